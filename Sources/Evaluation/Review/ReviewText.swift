/// Text of documents for a page whose script sets it as text: seen as it is, with a place for every byte of it.
package enum ReviewText {
    /// The text with controls, and what hides or reorders text, made visible; line breaks and tabs stay.
    ///
    /// - Parameter offsets: Bytes of `utf8`, ascending.
    /// - Returns: The text, and where each offset lies in it in UTF-16 units, which is how scripts count.
    package static func visible(
        _ utf8: some Collection<UInt8>, offsets: [Int] = []
    ) -> (text: String, utf16: [Int]) {
        var out = String.UnicodeScalarView()
        var (places, byte, units): ([Int], Int, Int) = ([], 0, 0)
        var before: UInt32 = 0
        for scalar in String(decoding: utf8, as: UTF8.self).unicodeScalars {
            while places.count < offsets.count, offsets[places.count] <= byte { places.append(units) }
            let shown = shown(scalar, behind: before)
            if let shown {
                out.append(contentsOf: shown.unicodeScalars)
                units += shown.utf16.count
            } else {
                out.append(scalar)
                units += scalar.value > 0xFFFF ? 2 : 1
            }
            byte += UTF8.width(scalar)
            before = scalar.value
        }
        while places.count < offsets.count { places.append(units) }
        return (String(out), places)
    }

    /// A short text on one line, cut to `count` scalars.
    package static func line(_ text: String, _ count: Int) -> String {
        let words = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return visible(HTMLText.cut(words, to: count).utf8).text
    }

    private static func shown(_ scalar: Unicode.Scalar, behind before: UInt32) -> String? {
        switch scalar.value {
        case 0x09, 0x0A: nil
        case 0x0D: ""
        default: HTMLText.replacement(scalar, behind: before)
        }
    }
}
