import JSON

/// A value that was found in a text, with what is known of it.
public indirect enum Finding: Sendable {
    case value(Leaf)
    case object([(name: String, finding: Finding)])
    case list([Finding])

    public struct Leaf: Sendable {
        public var value: JSONValue
        /// Product of the shares of the tokens that spell it, among those that were allowed.
        public var probability: Double
        /// The share of `null` where the value begins.
        public var nullProbability: Double
        /// Where it stands: the chosen place first. Empty when it is not copied from the text.
        public var spans: [TextSpan] = []
        /// Whether it had to be copied.
        public var isVerbatim = false

        public init(value: JSONValue, probability: Double, nullProbability: Double) {
            self.value = value
            self.probability = probability
            self.nullProbability = nullProbability
        }

        /// It stands in several places.
        public var isAmbiguous: Bool { spans.count > 1 }
    }

    /// The values alone.
    public var json: JSONValue {
        switch self {
        case .value(let leaf): leaf.value
        case .object(let members): .object(members.map { JSONMember($0.name, $0.finding.json) })
        case .list(let list): .array(list.map(\.json))
        }
    }

    var isNull: Bool { if case .value(let leaf) = self { leaf.value.isNull } else { false } }

    /// Calls `body` for every leaf, with its JSON pointer.
    public func forEachLeaf(_ pointer: String = "", _ body: (String, Leaf) -> Void) {
        switch self {
        case .value(let leaf): body(pointer, leaf)
        case .object(let members):
            for member in members {
                member.finding.forEachLeaf("\(pointer)/\(Self.escaped(member.name))", body)
            }
        case .list(let list):
            for (index, finding) in list.enumerated() { finding.forEachLeaf("\(pointer)/\(index)", body) }
        }
    }

    /// The same with every leaf changed.
    func mapLeaves(_ change: (inout Leaf) -> Void) -> Finding {
        switch self {
        case .value(var leaf):
            change(&leaf)
            return .value(leaf)
        case .object(let members): return .object(members.map { ($0.name, $0.finding.mapLeaves(change)) })
        case .list(let list): return .list(list.map { $0.mapLeaves(change) })
        }
    }

    /// A name as a step of a JSON pointer.
    static func escaped(_ name: String) -> String {
        name.split(separator: "~", omittingEmptySubsequences: false).joined(separator: "~0")
            .split(separator: "/", omittingEmptySubsequences: false).joined(separator: "~1")
    }

    /// What two sections of a document say together; see ``merged(_:)``.
    public func merged(with other: Finding) -> Finding { Self.merged([self, other])! }

    /// What the sections of a document say together, in their order: lists are joined, equal values keep all
    /// their places, and of two different values the likelier stays.
    ///
    /// Records of a list are the same when their values are, white space aside; records without a value are
    /// left out.
    ///
    /// - Returns: Nil when there is nothing to join.
    public static func merged(_ findings: [Finding]) -> Finding? {
        guard let first = findings.first(where: { !$0.isNull }) else { return likeliest(findings) }
        switch first {
        case .list:
            return .list(
                joined(findings.map { if case .list(let list) = $0 { list } else { [] } }))
        case .object(let members):
            var names = members.map(\.name)
            var values: [String: [Finding]] = [:]
            for case .object(let members) in findings {
                for member in members {
                    values[member.name, default: []].append(member.finding)
                    if !names.contains(member.name) { names.append(member.name) }
                }
            }
            return .object(names.compactMap { name in merged(values[name] ?? []).map { (name, $0) } })
        case .value: return likeliest(findings)
        }
    }

    /// One value of all; equal ones are one, with the places of all. Null stays where nothing else was found.
    private static func likeliest(_ findings: [Finding]) -> Finding? {
        var leaves: [Leaf] = []
        var places: [String: Int] = [:]
        for case .value(let leaf) in findings {
            if let place = places[Finding.value(leaf).key] {
                leaves[place].absorb(leaf)
            } else {
                places[Finding.value(leaf).key] = leaves.count
                leaves.append(leaf)
            }
        }
        let values = leaves.filter { !$0.value.isNull }
        let best = values.indices.max { (values[$0].weight, $1) < (values[$1].weight, $0) }
        return best.map { .value(values[$0]) } ?? leaves.first.map { .value($0) }
    }

    /// The elements of several lists, each once. What is no text and no record may stand twice in one list.
    private static func joined(_ lists: [[Finding]]) -> [Finding] {
        var result: [[Finding]] = []
        var places: [String: Int] = [:]
        for list in lists {
            var isNew: Set<String> = []
            for finding in list where !finding.isVoid {
                let key = finding.key
                if let place = places[key], finding.isNamed || !isNew.contains(key) {
                    result[place].append(finding)
                } else {
                    if places[key] == nil { places[key] = result.count }
                    isNew.insert(key)
                    result.append([finding])
                }
            }
        }
        return result.compactMap { merged($0) }
    }

    /// Whether a list ended before its records did: with the answer, or with the room that a list has. One that goes
    /// round in circles did not.
    func isCutShort(_ isComplete: Bool) -> Bool {
        switch self {
        case .value: return false
        case .object(let members): return members.contains { $0.finding.isCutShort(isComplete) }
        case .list(let list):
            let isFull = isComplete ? list.count == ExtractionSchema.longestList : list.count > 1
            return isFull && 4 * Set(list.map(\.key)).count >= 3 * list.count
        }
    }

    /// What is known after parts of the section were read by themselves: their lists, and the likeliest of the rest.
    func read(again parts: [Finding]) -> Finding {
        guard !parts.isEmpty else { return self }
        switch self {
        case .value: return Self.merged([self] + parts) ?? self
        case .list: return Self.merged(parts) ?? self
        case .object(let members):
            return .object(
                members.map { member in
                    let others = parts.compactMap { part -> Finding? in
                        guard case .object(let members) = part else { return nil }
                        return members.first { $0.name == member.name }?.finding
                    }
                    return (member.name, member.finding.read(again: others))
                })
        }
    }

    /// The least probability of its values.
    var surety: Double {
        var least = 1.0
        forEachLeaf { _, leaf in if !leaf.value.isNull { least = min(least, leaf.probability) } }
        return least
    }

    /// Members of a record with a value, and what they say.
    var filled: [(name: String, key: String)] {
        guard case .object(let members) = self else { return [] }
        return members.filter { !$0.finding.isVoid }.map { ($0.name, $0.finding.key) }
    }

    /// Whether something of it stands in the text.
    var isGrounded: Bool {
        switch self {
        case .value(let leaf): !leaf.spans.isEmpty
        case .object(let members): members.contains { $0.finding.isGrounded }
        case .list(let list): list.contains(where: \.isGrounded)
        }
    }

    /// Whether nothing was found: null, or a record of nothing else.
    var isVoid: Bool {
        switch self {
        case .value(let leaf): leaf.value.isNull
        case .object(let members): members.allSatisfy(\.finding.isVoid)
        case .list(let list): list.allSatisfy(\.isVoid)
        }
    }

    /// Whether a text is part of it.
    private var isNamed: Bool {
        switch self {
        case .value(let leaf): leaf.value.string != nil
        case .object(let members): members.contains { $0.finding.isNamed }
        case .list(let list): list.contains(where: \.isNamed)
        }
    }

    /// What it says, the same for values that differ in white space alone.
    private var key: String {
        switch self {
        case .value(let leaf):
            guard let text = leaf.value.string else { return leaf.value.text }
            return JSONValue.string(text.split(whereSeparator: \.isWhitespace).joined(separator: " ")).text
        case .object(let members):
            return "{"
                + members.map { "\(JSONValue.string($0.name).text): \($0.finding.key)" }.joined(
                    separator: ", ")
                + "}"
        case .list(let list): return "[" + list.map(\.key).joined(separator: ", ") + "]"
        }
    }
}

extension Finding.Leaf {
    /// How likely it is that this is the value and that there is one.
    fileprivate var weight: Double { probability * (1 - nullProbability) }

    /// Takes what another section says of the same value.
    fileprivate mutating func absorb(_ other: Self) {
        // A document lacks what each of its sections lacks.
        let isLikelier = value.isNull ? other.probability < probability : other.probability > probability
        if isLikelier { probability = other.probability }
        nullProbability = min(nullProbability, other.nullProbability)
        spans += other.spans.filter { !spans.contains($0) }
        isVerbatim = isVerbatim || other.isVerbatim
    }
}

/// Reads what a constrained decoder wrote, value by value; of a text that is cut off, what is whole.
struct FindingReader {
    let output: ConstrainedDecoder.Output
    private var at = 0

    init(_ output: ConstrainedDecoder.Output) { self.output = output }

    mutating func read() -> Finding? {
        skip()
        guard at < output.text.count else { return nil }
        switch output.text[at] {
        case UInt8(ascii: "{"):
            at += 1
            var members: [(name: String, finding: Finding)] = []
            while true {
                skip()
                guard at < output.text.count, output.text[at] != UInt8(ascii: "}") else { break }
                let start = at
                guard endOfString(), let name = try? JSONValue(parsing: output.text[start..<at]).string else {
                    break
                }
                skip()
                guard let finding = read() else { break }
                members.append((name, finding))
            }
            at += 1
            return .object(members)
        case UInt8(ascii: "["):
            at += 1
            var list: [Finding] = []
            while true {
                skip()
                guard at < output.text.count, output.text[at] != UInt8(ascii: "]"), let finding = read()
                else { break }
                list.append(finding)
            }
            at += 1
            return .list(list)
        default: return leaf()
        }
    }

    private mutating func leaf() -> Finding? {
        let start = at
        if output.text[at] == UInt8(ascii: "\"") {
            guard endOfString() else { return nil }
        } else {
            while at < output.text.count, !",]} \n".utf8.contains(output.text[at]) { at += 1 }
            if at == output.text.count, !output.isComplete { return nil }
        }
        guard let value = try? JSONValue(parsing: output.text[start..<at]) else { return nil }
        var probability = 1.0
        var nullShare: Double?
        for choice in output.choices where choice.range.overlaps(start..<at) {
            probability *= choice.share
            if nullShare == nil { nullShare = choice.nullShare }
        }
        return .value(
            .init(
                value: value, probability: probability,
                nullProbability: value.isNull ? probability : nullShare ?? 0))
    }

    /// Moves behind a string; false when it has no end.
    private mutating func endOfString() -> Bool {
        at += 1
        while at < output.text.count {
            switch output.text[at] {
            case UInt8(ascii: "\\"): at += 2
            case UInt8(ascii: "\""):
                at += 1
                return true
            default: at += 1
            }
        }
        return false
    }

    private mutating func skip() {
        while at < output.text.count, " ,:\n".utf8.contains(output.text[at]) { at += 1 }
    }
}
