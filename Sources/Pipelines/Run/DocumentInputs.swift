import Ingest

/// What a command reads, and how.
///
/// Whatever reads the inputs of a run a second time (estimates, samples, review pages, shards) takes its stream from
/// here, so that it sees the documents that the run sees.
package struct DocumentInputs: Sendable, Equatable {
    /// Files, folders, archives, and `-` for standard input, as they were given.
    package var paths: [String]
    package var reading: IngestOptions

    package init(_ paths: [String], reading: IngestOptions = .init()) {
        self.paths = paths
        self.reading = reading
    }

    package var includesStandardInput: Bool { paths.contains("-") }

    /// - Parameter findsPlaces: Whether ``DocumentStream/place`` is wanted.
    func documents(findsPlaces: Bool = false) -> DocumentStream {
        DocumentStream(inputs: paths, options: reading, findsPlaces: findsPlaces)
    }

    /// The documents from `place` on; nil where it is not found.
    func documents(at place: StreamPlace) -> DocumentStream? {
        DocumentStream(inputs: paths, options: reading, at: place)
    }
}
