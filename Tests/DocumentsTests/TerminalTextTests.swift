import Documents
import Testing

@Suite("Text for a terminal")
struct TerminalTextTests {
    @Test("escape sequences, C1 controls and reordering never get through")
    func sanitized() {
        let text = TerminalText.sanitized("a\u{1B}]0;x\u{7}\u{9B}2J\u{202E}b\r\nc")
        #expect(text == "a\u{FFFD}]0;x\u{FFFD}\u{FFFD}2J\u{FFFD}b  c")
    }

    @Test("long text is cut")
    func cut() { #expect(TerminalText.sanitized("abcdef", limit: 3) == "abc…") }
}
