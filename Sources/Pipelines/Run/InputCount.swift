import Documents
import Ingest

/// How much there is to read, found out by reading it without a model.
package struct InputCount: Sendable {
    /// Nil when time ran out before all were seen.
    package var documents: Int?
    /// Counted, or estimated from what was seen by its share of the input's bytes.
    package var textBytes = 0

    /// Counts, for at most `seconds`.
    ///
    /// - Parameter inputBytes: Size of all inputs on disk.
    /// - Returns: Nil when too little was seen for an estimate.
    package static func count(_ inputs: DocumentInputs, inputBytes: Int, seconds: Double) -> InputCount? {
        let end = Clock.seconds + seconds
        let stream = inputs.documents()
        var result = InputCount()
        var documents = 0
        var slicedBytes = 0
        var events = 0
        while let event = stream.next() {
            if case .end(let end) = event {
                documents += 1
                result.textBytes += end.textBytes
                if let source = end.source { slicedBytes += source.end - source.start }
            }
            events += 1
            if events % 64 == 0, Clock.seconds > end || StopSignal.received != nil {
                guard slicedBytes > 0 else { return nil }
                result.textBytes = Int(Double(result.textBytes) / Double(slicedBytes) * Double(inputBytes))
                return result
            }
        }
        result.documents = documents
        return result
    }
}
