import Documents
import Ingest

/// How much there is to read, found out by reading it without a model.
package struct InputCount: Sendable {
    package var documents = 0
    package var textBytes = 0

    /// Counts, for at most `seconds`.
    ///
    /// - Returns: Nil when that was not enough time.
    package static func count(_ inputs: [String], seconds: Double) -> InputCount? {
        let end = Clock.seconds + seconds
        let stream = DocumentStream(inputs: inputs)
        var result = InputCount()
        var events = 0
        while let event = stream.next() {
            if case .end(let end) = event {
                result.documents += 1
                result.textBytes += end.textBytes
            }
            events += 1
            if events % 64 == 0, Clock.seconds > end || StopSignal.received != nil { return nil }
        }
        return result
    }
}
