import Documents
import Ingest
import JSON
import Yams

/// A setting of how inputs are read, under the name that it has as a flag, in a pipeline and in a manifest.
package struct ReadingKey {
    package enum Value {
        case text(WritableKeyPath<IngestOptions, String?>)
        case count(WritableKeyPath<IngestOptions, Int>, least: Int)
        case bytes(WritableKeyPath<IngestOptions, Int>, most: Int)
    }

    package let name: String
    package let value: Value

    /// All of them; passwords are none, since they are written nowhere.
    package static var all: [ReadingKey] {
        [
            ReadingKey(name: "json-text", value: .text(\.jsonTextField)),
            ReadingKey(name: "csv-text", value: .text(\.csvTextColumn)),
            ReadingKey(name: "xml-record", value: .text(\.xmlRecord)),
            ReadingKey(name: "xml-text", value: .text(\.xmlText)),
            ReadingKey(name: "max-depth", value: .count(\.limits.maxDepth, least: 0)),
            ReadingKey(name: "max-entries", value: .count(\.limits.maxEntries, least: 1)),
            ReadingKey(name: "max-ratio", value: .count(\.limits.maxRatio, least: 1)),
            ReadingKey(name: "max-unpacked", value: .bytes(\.limits.maxUnpackedBytes, most: .max)),
            ReadingKey(name: "max-document", value: .bytes(\.limits.maxDocumentBytes, most: .max)),
            // A mail is held in memory.
            ReadingKey(name: "max-message", value: .bytes(\.limits.maxMessageBytes, most: 1 << 30)),
            ReadingKey(name: "max-reader-memory", value: .bytes(\.limits.maxReaderBytes, most: .max)),
        ]
    }

    /// What is wrong with the setting's value, in words that follow its name; nil when it can be used.
    package func problem(in options: IngestOptions) -> String? {
        switch value {
        case .text(let path):
            options[keyPath: path]?.contains { !$0.isWhitespace } == false
                ? "is empty; leave it away to read as ever" : nil
        case .count(let path, let least):
            options[keyPath: path] < least
                ? "is \(options[keyPath: path]); a whole number from \(least) was expected" : nil
        case .bytes(let path, let most):
            1...most ~= options[keyPath: path]
                ? nil
                : "is \(ByteCount.short(options[keyPath: path])); "
                    + (most == .max ? "a number of bytes" : "at most \(ByteCount.short(most))")
                    + " was expected"
        }
    }

    /// The value as it would be given, for people.
    func shown(in options: IngestOptions) -> String {
        switch value {
        case .text(let path):
            return options[keyPath: path].map { TerminalText.sanitized($0, limit: 120) } ?? "none"
        case .count(let path, _): return "\(options[keyPath: path])"
        case .bytes(let path, _): return ByteCount.short(options[keyPath: path])
        }
    }

    /// The value where it is not the default.
    func json(in options: IngestOptions) -> JSONValue? {
        switch value {
        case .text(let path): return options[keyPath: path].map { .string($0) }
        case .count(let path, _), .bytes(let path, _):
            let number = options[keyPath: path]
            return number == IngestOptions()[keyPath: path] ? nil : .integer(number)
        }
    }

    /// - Returns: Whether `json` is a value of this setting.
    func set(_ json: JSONValue, in options: inout IngestOptions) -> Bool {
        switch value {
        case .text(let path):
            guard let text = json.string else { return false }
            options[keyPath: path] = text
        case .count(let path, _), .bytes(let path, _):
            guard let number = json.integer else { return false }
            options[keyPath: path] = number
        }
        return problem(in: options) == nil
    }

    /// Reads the setting's value in a pipeline.
    func set(_ node: Node, in options: inout IngestOptions, _ document: YAMLDocument) throws(PipelineError) {
        let text = try document.scalar(node, what: name)
        switch value {
        case .text(let path): options[keyPath: path] = text
        case .count(let path, _):
            guard let number = Int(text) else {
                throw document.error(node, "\(name) should be a whole number")
            }
            options[keyPath: path] = number
        case .bytes(let path, _):
            guard let number = ByteCount.parse(text) else {
                throw document.error(node, "\(name) should be a number of bytes, such as 500M or 64G")
            }
            options[keyPath: path] = number
        }
        if let problem = problem(in: options) { throw document.error(node, "`\(name)` \(problem)") }
    }
}
