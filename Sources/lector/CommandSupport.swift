import ArgumentParser
import Documents
import Glibc
import Pipelines
import WeightFiles

/// What verbs share: talk on stderr, and errors as exit statuses.
enum CommandSupport {
    static var environment: [String: String] {
        var result: [String: String] = [:]
        var at = environ
        while let entry = at.pointee {
            let text = String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                result[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            at += 1
        }
        return result
    }

    static func meter(_ settings: Settings, progress: String?, quiet: Bool) throws(PipelineError)
        -> ProgressMeter
    {
        let entry = settings.entry(.progress, flag: progress)
        guard let style = entry.map({ ProgressMeter.Style(rawValue: $0.value) }) ?? .auto else {
            throw settings.bad(entry!, "auto, bar, json or none was expected")
        }
        let noColor = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
        return ProgressMeter(style: style, noColor: noColor, isQuiet: quiet)
    }

    /// Runs the body of a verb; what it throws is printed on stderr and becomes the exit
    /// status of docs and `--help`.
    static func run(_ body: () throws -> Int32) throws {
        MappedFile.endProcessWhenCut()
        do {
            let status = try body()
            if status != 0 { throw ExitCode(status) }
        } catch let error as PipelineError {
            complain(error.description)
            throw ExitCode(error.exitStatus)
        } catch let error as ExitCode {
            throw error
        } catch let error as CleanExit {
            throw error
        } catch let error as ValidationError {
            throw error
        } catch {
            complain("\(error)")
            throw ExitCode(ModelSupport.exitStatus(of: error) ?? 70)
        }
    }

    static func complain(_ text: String) { put("lector: \(text)\n", to: STDERR_FILENO) }

    static func put(_ text: String, to fd: Int32) {
        let bytes = Array(text.utf8)
        var done = 0
        while done < bytes.count {
            let count = bytes[done...].withUnsafeBytes { write(fd, $0.baseAddress!, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count <= 0 { return }
            done += count
        }
    }

    /// Prints results; a full disk or a closed pipe is an error like any other.
    static func print(_ text: String) throws(PipelineError) {
        let bytes = Array(text.utf8)
        var done = 0
        while done < bytes.count {
            let count = bytes[done...].withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress!, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw .io("cannot write to standard output: \(String(cString: strerror(errno)))")
            }
            done += count
        }
    }

    /// The command that was given, to give it again.
    static var thisCommand: String {
        PasswordOptions.hidden(CommandLine.arguments).map(quoted).joined(separator: " ")
    }

    /// A text from outside, for a terminal.
    static func clean(_ text: String) -> String { TerminalText.sanitized(text) }

    /// `text` as one word of a shell.
    static func quoted(_ text: String) -> String {
        let clean = clean(text)
        let isPlain = clean.utf8.allSatisfy { byte in
            (byte >= 0x30 && byte <= 0x39) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A)
                || "._-/+:@,=".utf8.contains(byte)
        }
        return isPlain && !clean.isEmpty
            ? clean
            : "'" + clean.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
                + "'"
    }
}
