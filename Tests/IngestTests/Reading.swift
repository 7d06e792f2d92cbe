import Documents
import Ingest

/// A document put together from its events.
struct ReadDocument: Equatable {
    var document: Document
    var parts: [(address: String, text: String)] = []
    var marks: [String: [TextMark]] = [:]
    var end: DocumentEnd

    var text: String { parts.map(\.text).joined() }
    var status: ItemStatus { end.status }

    /// What the marks of one kind cover, over all parts.
    func marked(_ kind: TextMark.Kind) -> [String] {
        parts.flatMap { part in
            (marks[part.address] ?? []).filter { $0.kind == kind }.map {
                String(decoding: Array(part.text.utf8)[$0.range], as: UTF8.self)
            }
        }
    }

    static func == (left: Self, right: Self) -> Bool {
        left.document == right.document && left.end == right.end && left.marks == right.marks
            && left.parts.elementsEqual(right.parts) { $0.address == $1.address && $0.text == $1.text }
    }
}

/// Reads everything a stream has and checks what holds for every stream: begin, texts and
/// end in order, contiguous valid chunks, marks within their chunk.
func readAll(_ stream: DocumentStream) -> [ReadDocument] {
    var result: [ReadDocument] = []
    var current:
        (document: Document, parts: [(address: String, bytes: [UInt8])], marks: [String: [TextMark]])?
    while let event = stream.next() {
        switch event {
        case .begin(let document):
            precondition(current == nil, "a document begins inside another")
            current = (document, [], [:])
        case .text(let chunk):
            precondition(current != nil, "text before its document")
            if current!.parts.last?.address != chunk.part { current!.parts.append((chunk.part, [])) }
            precondition(current!.parts.last!.bytes.count == chunk.start, "a gap in the text")
            precondition(String(validating: chunk.utf8, as: UTF8.self) != nil, "a chunk is not UTF-8")
            current!.parts[current!.parts.count - 1].bytes += chunk.utf8
            for mark in chunk.marks {
                let range = chunk.start..<chunk.start + chunk.utf8.count
                precondition(
                    range.contains(mark.range.lowerBound) && mark.range.upperBound <= range.upperBound)
                // A mark that was cut between two chunks is one again.
                if let last = current!.marks[chunk.part]?.last, last.kind == mark.kind,
                    last.range.upperBound == mark.range.lowerBound, mark.range.lowerBound == chunk.start
                {
                    let joined = last.range.lowerBound..<mark.range.upperBound
                    current!.marks[chunk.part]!.removeLast()
                    current!.marks[chunk.part]!.append(TextMark(kind: mark.kind, range: joined))
                } else {
                    current!.marks[chunk.part, default: []].append(mark)
                }
            }
        case .end(let end):
            guard let done = current else { preconditionFailure("an end without a document") }
            precondition(end.textBytes == done.parts.reduce(0) { $0 + $1.bytes.count })
            result.append(
                ReadDocument(
                    document: done.document,
                    parts: done.parts.map { ($0.address, String(decoding: $0.bytes, as: UTF8.self)) },
                    marks: done.marks, end: end))
            current = nil
        }
    }
    precondition(current == nil, "a document without an end")
    return result
}

/// Reads bytes, handed out in pieces of the given sizes, over and over.
func read(
    _ bytes: [UInt8], address: String = "input", cuts: [Int] = [Int.max], options: IngestOptions = .init()
) -> [ReadDocument] {
    var position = 0
    var cut = 0
    let stream = DocumentStream(address: address, options: options) {
        guard position < bytes.count else { return nil }
        let size = min(cuts[cut % cuts.count], bytes.count - position)
        cut += 1
        defer { position += size }
        return Array(bytes[position..<position + size])
    }
    return readAll(stream)
}

func read(_ text: String, address: String = "input", options: IngestOptions = .init()) -> [ReadDocument] {
    read(Array(text.utf8), address: address, options: options)
}
