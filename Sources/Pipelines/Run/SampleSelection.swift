import Digests
import Documents
import Ingest
import JSON

/// Which documents a sample holds: those whose digest of content and place is smallest, so
/// that the choice depends on the input and on nothing else.
package struct SampleSelection: Sendable, Equatable {
    /// Places of the chosen documents in the input, from 0, ascending.
    package var places: [Int]
    /// Documents in the whole input.
    package var total: Int

    /// Walks over the input once, without a model.
    package init(_ count: Int, of inputs: DocumentInputs) throws(PipelineError) {
        var chosen: [(rank: [UInt8], place: Int)] = []
        var place = 0
        let stream = inputs.documents()
        while let event = stream.next() {
            guard case .end(let end) = event else { continue }
            let rank = SHA256.digest(of: "sample \(end.contentDigest) \(place)".utf8)
            chosen.append((rank, place))
            place += 1
            if chosen.count >= 2 * count + 64 { Self.keep(count, of: &chosen) }
            if StopSignal.received != nil { break }
        }
        Self.keep(count, of: &chosen)
        places = chosen.map(\.place).sorted()
        total = place
    }

    private static func keep(_ count: Int, of chosen: inout [(rank: [UInt8], place: Int)]) {
        chosen.sort { $0.rank.lexicographicallyPrecedes($1.rank) }
        chosen = Array(chosen.prefix(count))
    }

    /// Reads what `save` wrote.
    package init?(path: String) {
        guard let json = try? JSONValue(parsing: try FileSystem.read(path)),
            let places = json["places"]?.array?.compactMap(\.integer), let total = json["total"]?.integer
        else { return nil }
        self.places = places
        self.total = total
    }

    package func save(to path: String) throws(PipelineError) {
        let json = JSONValue.object([
            JSONMember("total", .integer(total)), JSONMember("places", .array(places.map { .integer($0) })),
        ])
        try AtomicFile.write(json.bytes, to: path)
    }
}
