import Constraints

/// Where else in a document the values of its sections stand.
///
/// Keeps the text of the sections, up to a limit; what is found beyond it lists its own section alone.
public struct DocumentPlaces {
    /// Bytes of text that are kept at most.
    public static let maximumBytes = 32 << 20

    private let options: Extractor.Options
    private var sections: [DocumentSection] = []
    private var bytes = 0

    public init(options: Extractor.Options) { self.options = options }

    /// Takes the next section of the document.
    public mutating func append(_ section: DocumentSection) {
        bytes += section.text.count
        if bytes <= Self.maximumBytes { sections.append(section) }
    }

    /// The same finding with the places of each copied value in the whole document, up to
    /// ``Extractor/Options/maximumSpans``: those of the sections where it was found first, then the others in order.
    public func placed(_ finding: Finding) -> Finding {
        guard sections.count > 1 else { return finding }
        var wanted: [String: [TextSpan]] = [:]
        finding.forEachLeaf { _, leaf in
            guard leaf.isVerbatim, let text = leaf.value.string, leaf.spans.count < options.maximumSpans
            else { return }
            wanted[Self.folded(text)] = []
        }
        var folding = SourceText.Folding()
        folding.letterCase = options.foldsCase
        for section in sections {
            var source: SourceText?
            for (text, spans) in wanted where spans.count < options.maximumSpans {
                guard options.foldsCase || section.text.contains(firstWordOf: text) else { continue }
                if source == nil { source = try? SourceText(section.text, folding: folding) }
                for range in source?.occurrences(of: text, limit: options.maximumSpans - spans.count) ?? [] {
                    if let span = section.span(range) { wanted[text]!.append(span) }
                }
            }
        }
        return finding.mapLeaves { leaf in
            guard leaf.isVerbatim, let text = leaf.value.string else { return }
            for span in wanted[Self.folded(text)] ?? []
            where leaf.spans.count < options.maximumSpans && !leaf.spans.contains(span) {
                leaf.spans.append(span)
            }
        }
    }

    /// Runs of white space as one space, as copies are written.
    private static func folded(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            if !scalar.properties.isWhitespace {
                result.unicodeScalars.append(scalar)
            } else if result.unicodeScalars.last != " " {
                result.unicodeScalars.append(" ")
            }
        }
        return result
    }
}

extension [UInt8] {
    /// Whether the bytes up to the first space of a text are among these.
    fileprivate func contains(firstWordOf text: String) -> Bool {
        let word = Array(text.utf8.prefix { $0 != 0x20 })
        guard let first = word.first else { return false }
        return withUnsafeBufferPointer { bytes in
            var at = 0
            while at + word.count <= bytes.count {
                if bytes[at] == first, bytes[at..<at + word.count].elementsEqual(word) { return true }
                at += 1
            }
            return false
        }
    }
}
