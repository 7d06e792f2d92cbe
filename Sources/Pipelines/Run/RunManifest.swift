import Digests
import Documents
import JSON

/// What a run folder is a run of; written once, never changed.
package struct RunManifest: Sendable, Equatable {
    /// Raised when a folder of before cannot be gone on with.
    package static let currentFormat = 1

    package var configuration: RunConfiguration
    package var inventory: InputInventory
    /// Folder in which the command was given; the inputs are relative to it.
    package var workingFolder: String

    package init(configuration: RunConfiguration, inventory: InputInventory, workingFolder: String) {
        self.configuration = configuration
        self.inventory = inventory
        self.workingFolder = workingFolder
    }

    /// What the run reads, with passwords that were given again where it needs some.
    package func inputs(passwords: [String]) throws(PipelineError) -> DocumentInputs {
        DocumentInputs(
            inventory.inputs.map(\.path), reading: try configuration.reading.options(passwords: passwords))
    }

    package var json: JSONValue {
        .object([
            JSONMember("format", .integer(Self.currentFormat)),
            JSONMember("configuration", configuration.json),
            JSONMember("inputs", inventory.json),
            JSONMember("workingFolder", .string(workingFolder)),
        ])
    }

    /// Reads `manifest.json`.
    ///
    /// - Throws: `.data` for a file that is none, `.configuration` for another format.
    package init(path: String) throws(PipelineError) {
        let shown = TerminalText.sanitized(path)
        let json: JSONValue
        do { json = try JSONValue(parsing: try FileSystem.read(path)) } catch let error as PipelineError {
            throw error
        } catch { throw .data("\(shown) is damaged (\(error)); remove its folder to start anew") }
        guard let format = json["format"]?.integer else {
            throw .data("\(shown) is no manifest of a run")
        }
        guard format == Self.currentFormat else {
            throw .configuration(
                "\(shown) has format \(format), this version reads \(Self.currentFormat); "
                    + "finish it with the version that began it, or remove its folder")
        }
        guard let configuration = RunConfiguration(json: json["configuration"]),
            let inventory = InputInventory(json: json["inputs"]),
            let workingFolder = json["workingFolder"]?.string
        else { throw .data("\(shown) is damaged; remove its folder to start anew") }
        self.init(configuration: configuration, inventory: inventory, workingFolder: workingFolder)
    }

    /// Name of the run's folder: the same command over the same inputs finds it again.
    package var name: String {
        let digest = SHA256.digest(of: json.bytes).hex.prefix(12)
        let first = inventory.inputs.first?.path ?? "run"
        let base = first == "-" ? "stdin" : first.split(separator: "/").last.map(String.init) ?? "run"
        let safe = base.unicodeScalars.prefix(40).map { scalar -> Character in
            let isPlain =
                scalar.isASCII
                && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil
                    || scalar == "." || scalar == "_" || scalar == "-")
            return isPlain ? Character(scalar) : "_"
        }
        let stem = String(safe).drop { $0 == "." || $0 == "-" }
        return "\(stem.isEmpty ? "run" : stem)-\(digest)"
    }
}
