import Documents
import JSON

/// The right labels of a set of items, from a JSONL file.
///
/// Each line is `{"item": ADDRESS, "label": NAME}`, `{"index": N, "label": NAME}` with N
/// counting rows from 0, or `{"label": NAME}` for the row on the same line. One file uses
/// one of the three throughout. Where any number of labels may be right, all lines have
/// `"labels": [NAME, ...]` instead.
public struct GoldLabels: Sendable, Equatable {
    /// How rows find their gold label.
    public enum Key: String, Sendable {
        case item, index, order
    }

    public private(set) var key: Key
    /// Whether a line has a list of labels, which may be empty.
    public private(set) var isMulti = false
    /// By line, its labels; one each unless ``isMulti``.
    public private(set) var sets: [[String]]
    /// Gold items that no row has asked for yet; what is left at the end is missing.
    private var unused: Set<Int>
    private var byItem: [String: Int] = [:]
    /// Last path component to line, or nil when two items share it.
    private var byName: [String: Int?] = [:]
    private var byIndex: [Int: Int] = [:]
    private var names: [String]

    /// Reads the text of a gold file.
    ///
    /// - Throws: ``RowError`` with the line's number.
    public init(jsonLines text: some Collection<UInt8>) throws(RowError) {
        var key: Key?
        sets = []
        names = []
        var number = 0
        for line in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { continue }
            let value: JSONValue
            do { value = try JSONValue(parsing: line) } catch {
                throw RowError("line \(number) of the gold file is \(error)")
            }
            guard let set = Self.labels(value) else {
                throw RowError(
                    "line \(number) of the gold file has no \"label\"; "
                        + "a line is {\"item\": ..., \"label\": ...}, {\"index\": ..., \"label\": ...} or "
                        + "{\"label\": ...}, with \"labels\": [...] where there may be several")
            }
            let hasList = value["labels"] != nil
            guard sets.isEmpty || hasList == isMulti else {
                throw RowError(
                    "line \(number) of the gold file has \"\(hasList ? "labels" : "label")\", the lines before "
                        + "\"\(isMulti ? "labels" : "label")\"; use one of them throughout")
            }
            isMulti = hasList
            let here: Key = value["item"]?.string != nil ? .item : value["index"] != nil ? .index : .order
            guard key == nil || key == here else {
                throw RowError(
                    "line \(number) of the gold file goes by \(here.rawValue), the lines before by "
                        + "\(key!.rawValue); use one of them throughout")
            }
            key = here
            let at = sets.count
            switch here {
            case .item:
                let item = value["item"]!.string!
                guard byItem.updateValue(at, forKey: item) == nil else {
                    throw RowError("line \(number) of the gold file names \(item) a second time")
                }
                let name = Self.lastComponent(item)
                byName[name] = byName[name] == nil ? .some(at) : .some(nil)
                names.append(item)
            case .index:
                guard let index = value["index"]?.integer, index >= 0 else {
                    throw RowError("line \(number) of the gold file has an \"index\" that is no row number")
                }
                guard byIndex.updateValue(at, forKey: index) == nil else {
                    throw RowError("line \(number) of the gold file gives row \(index) a second time")
                }
                names.append("row \(index)")
            case .order:
                byIndex[at] = at
                names.append("row \(at)")
            }
            sets.append(set)
        }
        self.key = key ?? .order
        unused = Set(sets.indices)
    }

    /// The labels of a line, each once; nil when it has none to read.
    private static func labels(_ line: JSONValue) -> [String]? {
        guard let list = line["labels"] else { return line["label"]?.string.map { [$0] } }
        guard let names = list.array?.map(\.string), !names.contains(nil) else { return nil }
        var seen: Set<String> = []
        return names.compactMap { $0 }.filter { seen.insert($0).inserted }
    }

    /// The label of each line; the first where a line has several.
    public var labels: [String] { sets.compactMap(\.first) }

    private static func lastComponent(_ item: String) -> String {
        String(item.split(separator: "/", omittingEmptySubsequences: false).last ?? "")
    }

    /// The gold label of a row, each at most once. An item matches by its whole address,
    /// then by the same address with leading folders left off on either side, so that
    /// gold labels hold wherever the mailbox lies.
    public mutating func take(item: String, index: Int) -> String? {
        takeLine(item: item, index: index).flatMap { sets[$0].first }
    }

    /// The same as a place among ``labels``.
    mutating func takeLine(item: String, index: Int) -> Int? {
        let line: Int?
        switch key {
        case .index, .order: line = byIndex[index]
        case .item:
            var rest = Substring(item)
            var found = byItem[item]
            while found == nil, let slash = rest.firstIndex(of: "/") {
                rest = rest[rest.index(after: slash)...]
                found = byItem[String(rest)]
            }
            line = found ?? byName[Self.lastComponent(item)].flatMap { $0 }
        }
        guard let line, unused.remove(line) != nil else { return nil }
        return line
    }

    /// Gold items that no row matched, in file order.
    public var missing: [String] { unused.sorted().map { names[$0] } }
}
