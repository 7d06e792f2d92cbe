import Documents
import Glibc
import JSON

/// One question of a file or of the command line.
package struct AskedQuestion: Sendable, Equatable {
    /// As it stood in the file: a text or a number; nil without one.
    package var id: JSONValue?
    package var text: String
    /// What is wrong with the line; the row then says so instead of answering.
    package var problem: String?

    package init(id: JSONValue? = nil, text: String, problem: String? = nil) {
        self.id = id
        self.text = text
        self.problem = problem
    }
}

/// A file of questions, a line each: JSON with `question` and, if you like, `id`; or plain text.
package struct QuestionFile: ~Copyable {
    private var lines: LineReader
    private let path: String
    private var number = 0

    package init(_ path: String) throws(PipelineError) {
        self.path = path
        lines = try LineReader(path == "-" ? "/dev/stdin" : path)
    }

    /// How many lines a file has that may be questions; nil for what cannot be read twice.
    package static func count(_ path: String) -> Int? {
        var info = stat()
        guard path != "-", stat(path, &info) == 0, info.st_mode & S_IFMT == S_IFREG,
            var lines = try? LineReader(path)
        else { return nil }
        var count = 0
        while let line = try? lines.next() {
            if line.bytes.contains(where: { $0 > 0x20 }) { count += 1 }
        }
        return count
    }

    /// The next question; nil after the last. Empty lines are none.
    package mutating func next() throws(PipelineError) -> AskedQuestion? {
        while let line = try lines.next() {
            number += 1
            let text = String(decoding: line.bytes, as: UTF8.self).words
            if text.isEmpty { continue }
            guard text.hasPrefix("{") else { return AskedQuestion(text: text) }
            guard let json = try? JSONValue(parsing: line.bytes),
                let question = json["question"]?.string?.words,
                !question.isEmpty
            else {
                return AskedQuestion(
                    text: "", problem: "line \(number) of \(TerminalText.sanitized(path)) has no \"question\""
                )
            }
            return AskedQuestion(id: json["id"], text: question)
        }
        return nil
    }
}

extension String {
    /// Runs of white space as one space, none at the ends.
    package var oneLine: String { words }
    fileprivate var words: String { split(whereSeparator: \.isWhitespace).joined(separator: " ") }
}
