import Documents
import Glibc

/// A run on disk: private to its owner, locked while someone works on it.
///
///     manifest.json   what it is a run of; never changes
///     command.json    where the rows go; the last command given
///     journal         finished rows, in the order of finishing
///     work            two counters: tokens read so far, tokens read in vain
///     states/         saved states of long documents that are not finished
///     stdin           copy of standard input, when that was an input
///     head.lhd        copy of the head, when one reads the labels off
///     summary.json    counts; there once the run is finished
///     lock            held by the process that works on the run
package final class RunFolder {
    package let path: String
    private var lockDescriptor: Int32 = -1

    package init(_ path: String) { self.path = path }

    deinit { if lockDescriptor >= 0 { close(lockDescriptor) } }

    package var manifestPath: String { path + "/manifest.json" }
    package var commandPath: String { path + "/command.json" }
    package var journalPath: String { path + "/journal" }
    package var workPath: String { path + "/work" }
    package var statesPath: String { path + "/states" }
    package var standardInputPath: String { path + "/stdin" }
    package var summaryPath: String { path + "/summary.json" }
    package var headPath: String { path + "/head.lhd" }
    package var samplePath: String { path + "/sample.json" }

    package var exists: Bool { FileSystem.exists(manifestPath) }
    package var isFinished: Bool { FileSystem.exists(summaryPath) }

    /// The state folder: `--state-dir`, else `$XDG_STATE_HOME/lector`, else
    /// `~/.local/state/lector`.
    package static func stateFolder(_ given: String?, environment: [String: String]) -> String {
        if let given { return given }
        if let base = environment["XDG_STATE_HOME"], base.hasPrefix("/") { return base + "/lector" }
        return (environment["HOME"] ?? "") + "/.local/state/lector"
    }

    /// A run by path, or by name under the state folder; an unambiguous beginning of the
    /// name is enough.
    package static func find(_ name: String, stateFolder: String) throws(PipelineError) -> RunFolder {
        let runs = stateFolder + "/runs"
        for candidate in [name, runs + "/" + name] where FileSystem.exists(candidate + "/manifest.json") {
            return RunFolder(candidate)
        }
        let shown = TerminalText.sanitized(name)
        let names = ((try? FileSystem.names(in: runs)) ?? []).filter {
            !name.isEmpty && $0.hasPrefix(name) && FileSystem.exists("\(runs)/\($0)/manifest.json")
        }
        guard let only = names.first else {
            throw .usage(
                "there is no run \(shown), neither as a folder nor in \(TerminalText.sanitized(runs))")
        }
        guard names.count == 1 else {
            throw .usage("\(shown) could be \(names.joined(separator: " or ")); give more of the name")
        }
        return RunFolder(runs + "/" + only)
    }

    /// Makes the folder, or finds it there, and takes the lock.
    ///
    /// - Throws: `.busy` while another process has it.
    package func lock() throws(PipelineError) {
        try FileSystem.makeFolder(path)
        guard lockDescriptor < 0 else { return }
        let lockPath = path + "/lock"
        let fd = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard fd >= 0 else { throw FileSystem.error("open", lockPath) }
        guard flock(fd, LOCK_EX | LOCK_NB) == 0 else {
            close(fd)
            throw .busy("another lector works on \(TerminalText.sanitized(path)); wait for it, or stop it")
        }
        lockDescriptor = fd
    }

    /// Begins the run or goes on with it.
    ///
    /// - Throws: `.configuration` when the folder is a run of something else, with the
    ///   difference.
    package func adopt(_ manifest: RunManifest) throws(PipelineError) {
        guard exists else {
            let others = try FileSystem.names(in: path).filter {
                !["lock", "stdin", "command.json"].contains($0) && !$0.hasSuffix(".part")
            }
            guard others.isEmpty else {
                throw .configuration(
                    "\(TerminalText.sanitized(path)) holds other files and no run; give another --run folder")
            }
            try AtomicFile.write(manifest.json.indentedText.utf8, to: manifestPath)
            return
        }
        let earlier = try RunManifest(path: manifestPath)
        let difference =
            manifest.configuration.difference(from: earlier.configuration)
            ?? manifest.inventory.difference(from: earlier.inventory)
            ?? (manifest.workingFolder == earlier.workingFolder
                ? nil
                : "it was begun in \(TerminalText.sanitized(earlier.workingFolder)), "
                    + "and paths in rows are relative to that")
        if let difference {
            throw .configuration(
                "\(TerminalText.sanitized(path)) is a run of something else: \(difference). "
                    + "Give another --run folder, or leave --run away")
        }
    }
}
