import Documents
import Glibc
import Yams

/// Defaults that people set once: flag, then `LECTOR_*` in the environment, then
/// `lector.yaml` here, then `$XDG_CONFIG_HOME/lector/config.yaml`, then the default.
package struct Settings: Sendable {
    /// What can be set, by its name in YAML; the flag is `--name`, the variable
    /// `LECTOR_NAME` with dashes as underscores.
    package enum Key: String, CaseIterable, Sendable {
        case model
        case threads
        case labels
        case labelsFile = "labels-file"
        case instruction
        case threshold
        case maxTokens = "max-tokens"
        case skipQuoted = "skip-quoted"
        case checkpointTokens = "checkpoint-tokens"
        case stateDir = "state-dir"
        case progress

        package var variable: String {
            "LECTOR_" + rawValue.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
        }

        /// What holds when nobody says anything, in words.
        package var fallback: String {
            switch self {
            case .model: "the bundled model"
            case .threads: "one a core"
            case .labels: "spam,ham"
            case .labelsFile: "none"
            case .instruction: "Which label fits the text best?"
            case .threshold: "none"
            case .maxTokens: "none: documents are read whole"
            case .skipQuoted: "false"
            case .checkpointTokens: "16384"
            case .stateDir: "$XDG_STATE_HOME/lector, or ~/.local/state/lector"
            case .progress: "auto"
            }
        }
    }

    /// A value and where it comes from.
    package struct Entry: Sendable, Equatable {
        package var value: String
        package var origin: String
    }

    private var entries: [Key: Entry] = [:]

    /// Reads the environment and both files.
    ///
    /// - Throws: `.configuration` for a file with a key or value that is none, with its line.
    package init(environment: [String: String], projectFile: String = "lector.yaml") throws(PipelineError) {
        let home = environment["HOME"] ?? ""
        let base =
            environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? home + "/.config"
        for path in [base + "/lector/config.yaml", projectFile] where FileSystem.exists(path) {
            try readFile(path)
        }
        for key in Key.allCases {
            if let value = environment[key.variable], !value.isEmpty {
                entries[key] = Entry(value: value, origin: key.variable)
            }
        }
    }

    private mutating func readFile(_ path: String) throws(PipelineError) {
        let document = try YAMLDocument(path: path)
        for (name, node) in try document.mapping(document.root, what: "the file") {
            guard let key = Key(rawValue: name.text) else {
                throw document.error(
                    name.node,
                    "there is no setting `\(TerminalText.sanitized(name.text))`; "
                        + document.known(name.text, among: Key.allCases.map(\.rawValue)))
            }
            let value: String
            if let list = node.sequence, key == .labels {
                var names: [String] = []
                for entry in list { names.append(try document.scalar(entry, what: "a label")) }
                value = names.joined(separator: ",")
            } else {
                value = try document.scalar(node, what: key.rawValue)
            }
            let line = node.mark.map { ":\($0.line)" } ?? ""
            entries[key] = Entry(value: value, origin: path + line)
        }
    }

    /// The value of `key` when the command line gives `flag`.
    package func entry(_ key: Key, flag: String?) -> Entry? {
        flag.map { Entry(value: $0, origin: "--\(key.rawValue)") } ?? entries[key]
    }

    package func text(_ key: Key, flag: String? = nil) -> String? { entry(key, flag: flag)?.value }

    /// - Throws: `.usage` or `.configuration` for a value that is no whole number above 0.
    package func integer(_ key: Key, flag: Int? = nil) throws(PipelineError) -> Int? {
        guard let entry = entry(key, flag: flag.map(String.init)) else { return nil }
        guard let value = Int(entry.value), value > 0 else {
            throw bad(entry, "a whole number above 0 was expected")
        }
        return value
    }

    /// - Throws: `.usage` or `.configuration` for a value that is no share.
    package func share(_ key: Key, flag: Double? = nil) throws(PipelineError) -> Double? {
        guard let entry = entry(key, flag: flag.map { "\($0)" }) else { return nil }
        guard let value = Double(entry.value), value >= 0, value <= 1 else {
            throw bad(entry, "a number from 0 to 1 was expected")
        }
        return value
    }

    package func flag(_ key: Key, flag: Bool) throws(PipelineError) -> Bool {
        if flag { return true }
        guard let entry = entries[key] else { return false }
        switch entry.value {
        case "true", "yes", "on", "1": return true
        case "false", "no", "off", "0": return false
        default: throw bad(entry, "true or false was expected")
        }
    }

    package func bad(_ entry: Entry, _ message: String) -> PipelineError {
        let text = "\(entry.origin) is \(TerminalText.sanitized(entry.value)): \(message)"
        return entry.origin.hasPrefix("--") ? .usage(text) : .configuration(text)
    }
}
