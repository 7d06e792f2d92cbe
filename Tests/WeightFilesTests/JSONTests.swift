import Testing
import WeightFiles

@Suite struct JSONTests {
    @Test(
        "what is no JSON is refused at the right byte",
        arguments: [("", 0), ("{", 1), ("[1,]", 3), ("{\"a\" 1}", 5), ("nul", 0), ("\"\\x\"", 2), ("1 2", 2)])
    func refused(text: String, offset: Int) {
        #expect(
            performing: { try JSONValue(parsing: text.utf8) },
            throws: { ($0 as? JSONError)?.offset == offset })
    }

    @Test("values, escapes and field order survive reading and writing")
    func roundTrip() throws {
        let text = #"{"b":[1,-2,2.5,true,null],"a":{"é\n":"\"\\"},"c":""}"#
        #expect(try JSONValue(parsing: text.utf8).text == text)
        #expect(try JSONValue(parsing: #""\ud83d\ude00A""#.utf8).string == "😀A")
    }
}
