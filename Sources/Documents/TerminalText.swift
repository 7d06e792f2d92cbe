/// Text from outside made safe to print: a subject or a file name moves no cursor, changes
/// no colour and hides nothing.
public enum TerminalText {
    /// `text` on one line: line breaks and tabs become spaces; other control characters
    /// (escape sequences begin with one), and characters that reorder or hide text, become
    /// `U+FFFD`. At most `limit` scalars, with an ellipsis where something was left off.
    public static func sanitized(_ text: String, limit: Int = 400) -> String {
        var out = String.UnicodeScalarView()
        var count = 0
        for scalar in text.unicodeScalars {
            if count == limit {
                out.append("…")
                break
            }
            count += 1
            switch scalar.value {
            case 0x09, 0x0A, 0x0D: out.append(" ")
            case 0..<0x20, 0x7F..<0xA0, 0xAD, 0x034F, 0x061C, 0x180E, 0x200B...0x200F, 0x2028...0x202E,
                0x2060...0x206F, 0xFEFF, 0xFFF0...0xFFFB, 0xE0000...0xE0FFF:
                out.append("\u{FFFD}")
            default: out.append(scalar)
            }
        }
        return String(out)
    }
}
