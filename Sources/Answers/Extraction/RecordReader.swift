/// Looks for the records of a list, paragraph by paragraph: a model as small as the bundled one knows the fields of one
/// record and no lists of them.
///
/// A paragraph that has a record is read again line by line, or sentence by sentence. Where these have different records,
/// as full as that of the whole, it holds several.
final class RecordReader {
    let list: ExtractionSchema.RecordList
    let reader: FieldReader

    init(_ list: ExtractionSchema.RecordList, reader: FieldReader) {
        self.list = list
        self.reader = reader
    }

    /// - Returns: One output a section, in order, with the list of its records.
    func read(_ sections: [DocumentSection]) throws -> [FieldReader.Output] {
        var results = sections.map { _ in
            FieldReader.Output(finding: .list([]), tokens: 0, rows: 0, isComplete: true)
        }
        var pieces: [(section: Int, text: DocumentSection)] = []
        for (index, section) in sections.enumerated() {
            for paragraph in section.paragraphs() { pieces.append((index, paragraph)) }
        }
        let whole = try reader.read(pieces.map(\.text), isWhole: false)
        var parts: [(piece: Int, text: DocumentSection)] = []
        for (index, output) in whole.enumerated() where isRecord(output.finding) {
            let lines = pieces[index].text.lines()
            if lines.count > 1 { for line in lines { parts.append((index, line)) } }
        }
        let again = try reader.read(parts.map(\.text), isWhole: false)
        var partsOf: [Int: [Finding]] = [:]
        for (part, output) in zip(parts, again) {
            results[pieces[part.piece].section].rows += output.rows
            if let finding = output.finding { partsOf[part.piece, default: []].append(finding) }
        }
        var records = sections.map { _ in [Finding]() }
        for (index, output) in whole.enumerated() {
            let section = pieces[index].section
            results[section].tokens += output.tokens
            results[section].rows += output.rows
            results[section].isComplete = results[section].isComplete && output.isComplete
            guard let finding = output.finding, isRecord(finding) else { continue }
            records[section] += several(finding, partsOf[index] ?? []) ?? [finding]
        }
        for index in results.indices { results[index].finding = .list(records[index]) }
        return results
    }

    /// Whether a record was found: everything that it requires, and something that stands in the text.
    private func isRecord(_ finding: Finding?) -> Bool {
        guard let finding, case .object(let members) = finding else { return false }
        for name in list.required {
            guard let member = members.first(where: { $0.name == name }), !member.finding.isVoid else {
                return false
            }
        }
        return list.copies ? finding.isGrounded : !finding.isVoid
    }

    /// The records of the parts of a paragraph, when there are several.
    private func several(_ whole: Finding, _ parts: [Finding]) -> [Finding]? {
        let least = (whole.filled.count + 1) / 2
        let full = parts.filter { isRecord($0) && $0.filled.count >= least }
        guard full.count > 1 else { return nil }
        var values: [String: Set<String>] = [:]
        for part in full { for (name, key) in part.filled { values[name, default: []].insert(key) } }
        return values.values.contains { $0.count > 1 } ? full : nil
    }
}
