import JSON
import Testing

@Suite("JSON keeps order, digits and bytes")
struct JSONValueTests {
    @Test(
        "what was read is written again as it stood",
        arguments: [
            #"{"b": 1, "a": [true, false, null], "c": {"": -0.5e3}}"#, #""\u001b[31m\u007f\u0085""#, "[]",
            "{}", #""é😀\n\t\"\\""#, "12345678901234567890.10",
        ])
    func roundTrip(text: String) throws {
        #expect(try JSONValue(parsing: text).text == text)
    }

    @Test("indented text reads back as the same value")
    func indented() throws {
        let value = try JSONValue(parsing: #"{"a": [1, {"b": []}], "c": "x"}"#)
        #expect(try JSONValue(parsing: value.indentedText) == value)
    }

    @Test("surrogate pairs join; lonely ones become U+FFFD")
    func surrogates() throws {
        #expect(try JSONValue(parsing: #""\ud83d\ude00""#).string == "😀")
        #expect(try JSONValue(parsing: #""\ud83dx\udc00""#).string == "\u{FFFD}x\u{FFFD}")
    }

    @Test(
        "what is no JSON says where",
        arguments: [
            ("", 0), ("{", 1), ("[1,]", 3), ("01", 1), ("1.", 2), ("\"a", 2), ("nul", 0), ("[1] x", 4),
            ("{\"a\" 1}", 5), ("\"\\x\"", 2), ("\"\\u+123\"", 3), ("\"\u{1}\"", 1),
        ])
    func errors(text: String, offset: Int) {
        do {
            _ = try JSONValue(parsing: text)
            Issue.record("\(text) was read")
        } catch { #expect(error.offset == offset, "\(error)") }
    }

    @Test("deep nesting is refused, not a crash")
    func depth() {
        #expect(throws: JSONError.self) {
            try JSONValue(parsing: String(repeating: "[", count: 100_000))
        }
    }

    @Test(
        "decimals round to even, keep one place and never use an exponent",
        arguments: [
            (0.993, "0.993"), (1, "1.0"), (0, "0.0"), (-0.25, "-0.25"), (1e-9, "0.0"), (0.0000005, "0.0"),
            (0.0000015, "0.000002"), (123456.5, "123456.5"),
        ])
    func decimals(value: Double, text: String) {
        #expect(JSONValue.decimal(value).text == text)
    }

    @Test("not-a-number and infinity are null")
    func notFinite() {
        #expect(JSONValue.decimal(.nan) == .null)
        #expect(JSONValue.decimal(.infinity) == .null)
    }
}
