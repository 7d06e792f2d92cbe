/// Text of documents made safe to show in a page: it is seen, and does nothing.
package enum HTMLText {
    /// `text` escaped for element content and quoted attributes. Control characters become
    /// their pictures, and characters that reorder or hide text become their code in
    /// brackets, so that what is seen is what is there.
    package static func escaped(_ text: String) -> String {
        var out = ""
        out.reserveCapacity(text.utf8.count + 16)
        var before: UInt32 = 0
        for scalar in text.unicodeScalars {
            defer { before = scalar.value }
            switch scalar.value {
            case 0x26: out += "&amp;"
            case 0x3C: out += "&lt;"
            case 0x3E: out += "&gt;"
            case 0x22: out += "&quot;"
            case 0x27: out += "&#39;"
            case 0x09, 0x0A, 0x0D: out += " "
            default:
                if let shown = replacement(scalar, behind: before) {
                    out += shown
                } else {
                    out.unicodeScalars.append(scalar)
                }
            }
        }
        return out
    }

    /// What is shown instead of a scalar that would not be seen, or would hide others; nil for all others.
    static func replacement(_ scalar: Unicode.Scalar, behind before: UInt32) -> String? {
        switch scalar.value {
        case 0x200D where before >= 0x2190: nil  // joins emoji
        case 0..<0x20: String(Unicode.Scalar(0x2400 + scalar.value)!)
        case 0x7F: "\u{2421}"
        case 0x80..<0xA0, 0xAD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E,
            0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0x3164, 0xFE00...0xFE0E, 0xFEFF, 0xFFA0,
            0xFFF0...0xFFFB, 0xE0000...0xE0FFF:
            "[U+" + hex(scalar.value) + "]"
        default: nil
        }
    }

    private static func hex(_ value: UInt32) -> String {
        let digits = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    /// The first `count` scalars (so that stacked marks are bounded too), with an ellipsis where something was left off.
    package static func cut(_ text: String, to count: Int) -> String {
        var out = String.UnicodeScalarView()
        for scalar in text.unicodeScalars.prefix(count) { out.append(scalar) }
        return String(out) + (text.unicodeScalars.count > count ? "…" : "")
    }
}
