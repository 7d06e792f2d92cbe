/// Text on its way out: held back while a stop string may be beginning or a character is not whole.
///
/// Works on bytes, so that neither the cut into tokens nor one inside a character matters: any cut
/// gives the same text.
public struct StopStrings: Sendable {
    private let stops: [[UInt8]]
    private var pending: [UInt8] = []
    /// The stop string that ended the text; nothing of it is released.
    public private(set) var matched: String?
    /// Bytes given out so far.
    public private(set) var releasedBytes = 0

    /// - Parameter stops: Texts that end generation; none is empty (a precondition).
    public init(_ stops: [String]) {
        precondition(!stops.contains(""), "an empty stop string")
        self.stops = stops.map { Array($0.utf8) }
    }

    /// Takes bytes of a token.
    ///
    /// - Returns: What is now certain to be text, whole characters only.
    public mutating func append(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        guard matched == nil else { return [] }
        let known = pending.count
        pending += bytes
        if let (start, stop) = firstStop(behind: known) {
            matched = String(decoding: stop, as: UTF8.self)
            return release(start, dropsRest: true)
        }
        return release(pending.count - max(heldForStops, unfinishedScalar))
    }

    /// The text has ended: what was held back comes out.
    public mutating func finish() -> [UInt8] { release(pending.count) }

    /// The stop string that ends first, the longest of those that end at one place.
    private func firstStop(behind known: Int) -> (start: Int, stop: [UInt8])? {
        guard !stops.isEmpty, known < pending.count else { return nil }
        for end in known + 1...pending.count {
            let ending = stops.filter { $0.count <= end && pending[end - $0.count..<end].elementsEqual($0) }
            if let stop = ending.max(by: { $0.count < $1.count }) { return (end - stop.count, stop) }
        }
        return nil
    }

    /// The length of the longest end that begins a stop string.
    private var heldForStops: Int {
        var held = 0
        for stop in stops {
            var length = min(stop.count - 1, pending.count)
            while length > held {
                if pending[(pending.count - length)...].elementsEqual(stop[..<length]) { held = length }
                length -= 1
            }
        }
        return held
    }

    /// The length of an end that more bytes could make a character.
    private var unfinishedScalar: Int {
        for length in 1...3 where length <= pending.count {
            let byte = pending[pending.count - length]
            if byte & 0xC0 == 0x80 { continue }
            let needed = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
            return length < needed ? length : 0
        }
        return 0
    }

    private mutating func release(_ count: Int, dropsRest: Bool = false) -> [UInt8] {
        let out = Array(pending[..<count])
        pending.removeFirst(dropsRest ? pending.count : count)
        releasedBytes += count
        return out
    }
}
