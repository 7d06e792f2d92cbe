import Glibc

/// How many tokens a run has sent through the model, and how many of those in vain.
///
/// Two numbers in a file, written in one call before each step, so that they outlast a
/// kill: what a killed process had read and neither committed nor saved is then known to
/// the next one.
package struct WorkCounter {
    /// Tokens sent through the model since the run began, those read again among them.
    package private(set) var total = 0
    /// Tokens that had to be read again after a stop.
    package private(set) var lost = 0
    private let path: String
    private let fd: Int32

    package init(path: String) throws(PipelineError) {
        self.path = path
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard fd >= 0 else { throw FileSystem.error("open", path) }
        var text = [UInt8](repeating: 0, count: 64)
        let count = pread(fd, &text, 63, 0)
        guard count > 0 else { return }
        let numbers = String(decoding: text[..<count], as: UTF8.self)
            .split(whereSeparator: { $0 == " " || $0 == "\n" }).compactMap { Int($0) }
        if numbers.count == 2 { (total, lost) = (numbers[0], numbers[1]) }
    }

    /// Call before up to `tokens` more go through the model, so that a kill in the middle
    /// counts too many rather than too few.
    package mutating func willRead(_ tokens: Int) throws(PipelineError) {
        total += tokens
        try write()
    }

    /// Call after it, with the tokens that really went.
    package mutating func didRead(_ tokens: Int, of announced: Int) throws(PipelineError) {
        guard tokens != announced else { return }
        total += tokens - announced
        try write()
    }

    /// Call once after opening: what was read but is neither in `kept` is read again.
    ///
    /// - Parameter kept: Tokens of finished rows and of saved states.
    /// - Returns: Tokens that this process will read again.
    package mutating func settle(kept: Int) throws(PipelineError) -> Int {
        let again = max(0, total - lost - kept)
        lost += again
        try write()
        return again
    }

    private func write() throws(PipelineError) {
        var text = "\(total) \(lost)"
        text += String(repeating: " ", count: max(0, 47 - text.utf8.count)) + "\n"
        let bytes = Array(text.utf8)
        guard pwrite(fd, bytes, bytes.count, 0) == bytes.count else {
            throw FileSystem.error("write", path)
        }
    }

    package func close() { Glibc.close(fd) }
}
