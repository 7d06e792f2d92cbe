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
                let name = member.name.split(separator: "~", omittingEmptySubsequences: false).joined(
                    separator: "~0"
                )
                .split(separator: "/", omittingEmptySubsequences: false).joined(separator: "~1")
                member.finding.forEachLeaf("\(pointer)/\(name)", body)
            }
        case .list(let list):
            for (index, finding) in list.enumerated() { finding.forEachLeaf("\(pointer)/\(index)", body) }
        }
    }

    /// What two sections of a document say together: lists are joined, equal values keep all their
    /// places, and of two different values the likelier stays.
    public func merged(with other: Finding) -> Finding {
        switch (self, other) {
        case (.list(let one), .list(let two)):
            var result = one
            for finding in two where !finding.isNull {
                let text = finding.json.text
                if let index = result.firstIndex(where: { $0.json.text == text }) {
                    result[index] = result[index].merged(with: finding)
                } else {
                    result.append(finding)
                }
            }
            return .list(result)
        case (.object(let one), .object(let two)):
            return .object(
                one.map { member in
                    guard let match = two.first(where: { $0.name == member.name }) else { return member }
                    return (member.name, member.finding.merged(with: match.finding))
                } + two.filter { member in !one.contains { $0.name == member.name } })
        case (.value(var one), .value(let two)):
            if one.value == two.value {
                one.probability = max(one.probability, two.probability)
                one.nullProbability = min(one.nullProbability, two.nullProbability)
                one.spans += two.spans.filter { !one.spans.contains($0) }
                return .value(one)
            }
            if one.value.isNull { return other }
            if two.value.isNull { return self }
            return one.probability * (1 - one.nullProbability) >= two.probability * (1 - two.nullProbability)
                ? self : other
        default: return isNull ? other : self
        }
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
