/// The few things that a store asks of the place where its files lie.
///
/// Names are file names without slashes. Two places exist: a folder on disk, and memory for tests.
package protocol StateFolder: Sendable {
    /// For messages.
    var path: String { get }

    func names() throws(CheckpointError) -> [String]
    func contains(_ name: String) -> Bool
    /// Size and time of last use (seconds of any clock); nil when there is no such file.
    func status(_ name: String) -> (bytes: Int, lastUse: Double)?
    /// Hands a file's bytes to `body`; nil when there is no such file.
    func read<R>(
        _ name: String, _ body: (UnsafeRawBufferPointer) throws(CheckpointError) -> R
    ) throws(CheckpointError) -> R?
    /// The first bytes of a file, at most `count`; nil when there is no such file.
    func beginning(_ name: String, count: Int) throws(CheckpointError) -> [UInt8]?
    /// Puts a file in its place, whole or not at all; it outlasts a crash of the machine when this
    /// returns. A file of that name is replaced.
    func put(_ bytes: [UInt8], as name: String) throws(CheckpointError)
    func rename(_ name: String, to other: String) throws(CheckpointError)
    /// - Parameter secure: Overwrite the bytes first.
    /// - Returns: Whether there was one.
    @discardableResult
    func remove(_ name: String, secure: Bool) -> Bool
    /// Notes that a file is used now.
    func touch(_ name: String)
    /// Keeps a file from being collected by any process, until what is returned goes away.
    func hold(_ name: String) -> (any Sendable)?
    /// Whether a process holds a file.
    func isHeld(_ name: String) -> Bool
    /// Runs `body` while no other process collects (shared), or while no other does anything (exclusive).
    func locked<R>(
        exclusively: Bool, _ body: () throws(CheckpointError) -> R
    ) throws(CheckpointError) -> R
}
