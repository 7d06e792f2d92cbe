import Answers
import Documents
import Yams

/// The labels of a run, from a flag or a file.
package enum LabelSource {
    /// From `a,b,c`.
    ///
    /// - Parameter least: How few there may be.
    /// - Throws: `.usage` for fewer labels, empty names or duplicates.
    package static func parse(_ text: String, least: Int = 2) throws(PipelineError) -> LabelList {
        let names = text.split(separator: ",", omittingEmptySubsequences: false).map { trimmed(String($0)) }
        do { return try LabelList(names.map { Label(name: $0) }, least: least) } catch {
            throw .usage("--labels \(TerminalText.sanitized(text)): \(error)")
        }
    }

    /// From a YAML file: a list of names, or of `name`, `description` and `examples`.
    ///
    /// - Throws: `.configuration` with the line; `.usage` for a list that is none.
    package static func read(_ path: String, least: Int = 2) throws(PipelineError) -> LabelList {
        let document = try YAMLDocument(path: path)
        var node = document.root
        if let inner = document.root.mapping?["labels"], document.root.mapping?.count == 1 { node = inner }
        return try parse(node, in: document, least: least)
    }

    package static func parse(
        _ node: Node, in document: YAMLDocument, least: Int = 2
    ) throws(PipelineError) -> LabelList {
        var labels: [Label] = []
        let entries = try document.sequence(node, what: "labels")
        for entry in entries { labels.append(try label(entry, in: document)) }
        do { return try LabelList(labels, least: least) } catch {
            throw document.error(place(of: error, in: entries) ?? node, error.description)
        }
    }

    /// The entry of a list that an error is about.
    static func place(of error: LabelError, in entries: [Node]) -> Node? {
        switch error {
        case .emptyName(let position), .controlCharacter(let position, _), .tooLong(_, let position, _, _),
            .duplicate(_, _, let position), .isNone(let position):
            entries[position - 1]
        case .tooFew, .tooMany, .sameTokens: nil
        }
    }

    private static func label(_ node: Node, in document: YAMLDocument) throws(PipelineError) -> Label {
        if let name = node.scalar?.string { return Label(name: trimmed(name)) }
        var label = Label(name: "")
        var examples: [String] = []
        for (name, value) in try document.mapping(node, what: "a label") {
            switch name.text {
            case "name": label.name = trimmed(try document.scalar(value, what: "name"))
            case "description":
                let text = trimmed(try document.scalar(value, what: "description"))
                label.description = text.isEmpty ? nil : oneLine(text)
            case "examples":
                for example in try document.sequence(value, what: "examples") {
                    examples.append(oneLine(trimmed(try document.scalar(example, what: "an example"))))
                }
            default:
                throw document.error(
                    name.node,
                    "there is no `\(TerminalText.sanitized(name.text))` of a label; "
                        + document.known(name.text, among: ["name", "description", "examples"]))
            }
        }
        // The model is told of examples where it is told of the meaning.
        if !examples.isEmpty {
            let list = examples.map { "\"\($0)\"" }.joined(separator: "; ")
            label.description = (label.description.map { $0 + " " } ?? "") + "For example: \(list)"
        }
        return label
    }

    private static func oneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    private static func trimmed(_ text: String) -> String {
        var rest = text[...]
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }
}
