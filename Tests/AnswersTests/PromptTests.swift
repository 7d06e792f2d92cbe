import Answers
import Foundation
import Testing
import Tokenization

let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

/// The bundled tokenizer, loaded once.
let bundledTokenizer = try! Tokenizer(
    contentsOf: root.path + "/Sources/BundledModel/Resources/tokenizer.json")

@Suite struct PromptTests {
    struct Row: Decodable {
        struct Name: Decodable {
            var name: String
            var description: String?
        }

        var labels: [Name]
        var instruction: String
        var document: String
        var order: String
        var prefix: [Int32]
        var question: [Int32]
        var answers: [[Int32]]
    }

    @Test("every segment of a prompt has the ids that training saw")
    func golden() throws {
        let lines = try Data(
            contentsOf: root.appending(path: "Tests/TokenizationTests/Fixtures/prompts.jsonl")
        )
        .split(separator: 0x0A)
        var orders = Set<String>()
        for line in lines {
            let row = try JSONDecoder().decode(Row.self, from: Data(line))
            let labels = try LabelList(row.labels.map { Label(name: $0.name, description: $0.description) })
            let order = try #require(ClassificationPrompt.Order(rawValue: row.order))
            let prompt = ClassificationPrompt(labels: labels, instruction: row.instruction, order: order)
            let encoded = try EncodedPrompt(prompt, tokenizer: bundledTokenizer)
            #expect(encoded.prefix == row.prefix)
            #expect(encoded.question == row.question)
            #expect(try labels.map { try bundledTokenizer.encode(prompt.answer($0)) } == row.answers)
            orders.insert(row.order)
        }
        #expect(orders == ["batch", "document"])
    }

    @Test(
        "a list of labels that is no choice is refused with its reason",
        arguments: [
            ([], "no label"), (["spam"], "only the label 'spam'"),
            (["spam", ""], "Label 2 has an empty name"),
            (["a", " \t", "b"], "Label 2 has an empty name"),
            (["a", "b", "a"], "stands twice, as number 1 and 3"),
            (["a", "b", " a "], "stands twice"),
            (["a", "b\u{1B}[31m"], "Label 2 ('b\u{FFFD}[31m') holds a control"),
            (["a\nb", "c"], "Label 1"), (["a", "\u{202E}b"], "control character"),
            (["a", String(repeating: "x", count: 201)], "has 201 bytes"),
            ((0...1000).map { "label \($0)" }, "1001 labels"),
        ])
    func refused(names: [String], message: String) {
        #expect {
            try LabelList(names.map { Label(name: $0) })
        } throws: { error in
            error is LabelError && "\(error)".contains(message)
        }
    }

    @Test("white space in a description becomes one space, so that it cannot forge a line")
    func description() throws {
        let list = try LabelList([
            Label(name: "a", description: " x\n- b:\ty "), Label(name: "b", description: " "),
        ])
        #expect(list[0].description == "x - b: y")
        #expect(list[1].description == nil)
        #expect(throws: LabelError.self) {
            try LabelList([Label(name: "a", description: "\u{7}"), Label(name: "b")])
        }
    }

    @Test("names that differ only in what the vocabulary lacks are refused")
    func sameTokens() throws {
        // No two printable names are equal in the bundled vocabulary, so the tokens are made up.
        #expect(throws: LabelError.sameTokens("a", "b")) {
            try LabelTree(names: ["a", "b"], answers: [[5, 2], [5, 2]])
        }
    }
}
