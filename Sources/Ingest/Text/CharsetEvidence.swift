/// What bytes say against uchardet's guess: characters that no text has, or not there.
///
/// uchardet weighs the frequency of letters, which says little in a line or two. What is
/// asked here needs no statistics. Figures of both: Benchmarks/ingest/charsets.py.
enum CharsetEvidence {
    static func corrected(_ name: String, _ bytes: UnsafeRawBufferPointer) -> String {
        let upper = name.uppercased()
        if upper == "ISO-8859-7" || upper == "WINDOWS-1253" { return greek(name, bytes) }
        if upper.hasPrefix("ISO-8859-"), hasControls(bytes) {
            // 0x80 to 0x9F are control characters there; quotation marks and dashes in the
            // charsets of Windows.
            if !hasWords(bytes) { return "WINDOWS-1252" }
            return windows[String(upper.dropFirst(9))] ?? "WINDOWS-1252"
        }
        switch upper {
        case "IBM437", "IBM850", "IBM852", "IBM858", "IBM865":
            // Nearly all letters of these lie below 0xA6.
            return bytes.contains { $0 >= 0x80 && $0 < 0xA6 } ? name : "WINDOWS-1252"
        case "KOI8-R":
            // What draws boxes there are letters of Ukrainian in KOI8-U.
            let letters: Set<UInt8> = [0xA4, 0xA6, 0xA7, 0xAD, 0xB4, 0xB6, 0xB7, 0xBD]
            return stands(letters, between: 0xC0, bytes) ? "KOI8-U" : name
        case "MAC-CYRILLIC":
            // The i of Ukrainian in windows-1251; a sign of inequality here.
            return stands([0xB3], between: 0xE0, bytes) ? "WINDOWS-1251" : name
        default: return name
        }
    }

    /// The two differ in where Ά stands, and in quotation marks: those of Windows are control characters in the
    /// other.
    private static func greek(_ name: String, _ bytes: UnsafeRawBufferPointer) -> String {
        if hasControls(bytes) { return hasWords(bytes) ? "WINDOWS-1253" : "WINDOWS-1252" }
        func isLetter(_ byte: UInt8) -> Bool { byte >= 0xB8 && byte != 0xBB && byte != 0xBD }
        // For ISO-8859-7 above 0. Its Ά is a paragraph sign in windows-1253, whose own is a quotation mark in it.
        var votes = 0
        var isBehindLetter = false
        for (index, byte) in bytes.enumerated() {
            if byte == 0xB6 || byte == 0xA2 {
                let isBeforeLetter = index + 1 < bytes.count && isLetter(bytes[index + 1])
                if byte == 0xA2, isBehindLetter {
                    votes += 1
                } else if isBeforeLetter, !isBehindLetter {
                    votes += byte == 0xB6 ? 1 : -1
                }
            }
            isBehindLetter = isLetter(byte)
        }
        return votes == 0 ? name : votes > 0 ? "ISO-8859-7" : "WINDOWS-1253"
    }

    private static let windows = [
        "1": "WINDOWS-1252", "2": "WINDOWS-1250", "5": "WINDOWS-1251", "6": "WINDOWS-1256",
        "7": "WINDOWS-1253", "8": "WINDOWS-1255", "9": "WINDOWS-1254", "4": "WINDOWS-1257",
        "13": "WINDOWS-1257", "15": "WINDOWS-1252", "16": "WINDOWS-1250",
    ]

    private static func hasControls(_ bytes: UnsafeRawBufferPointer) -> Bool {
        // 0x85 ends lines in some text of mainframes.
        bytes.contains { $0 >= 0x80 && $0 < 0xA0 && $0 != 0x85 }
    }

    /// Whether letters beyond ASCII stand side by side, or inside of words.
    private static func hasWords(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var before: UInt8 = 0
        for byte in bytes {
            let isLetter = byte >= 0xC0
            if isLetter, before >= 0xC0 || isASCIILetter(before) { return true }
            if before >= 0xC0, isASCIILetter(byte) { return true }
            before = byte
        }
        return false
    }

    private static func isASCIILetter(_ byte: UInt8) -> Bool {
        let lower = lowercaseASCII(byte)
        return lower >= 0x61 && lower <= 0x7A
    }

    /// Whether one of `values` stands between two bytes that are `least` or more.
    private static func stands(
        _ values: Set<UInt8>, between least: UInt8, _ bytes: UnsafeRawBufferPointer
    ) -> Bool {
        guard bytes.count > 2 else { return false }
        for index in 1..<bytes.count - 1
        where bytes[index - 1] >= least && bytes[index + 1] >= least && values.contains(bytes[index]) {
            return true
        }
        return false
    }
}
