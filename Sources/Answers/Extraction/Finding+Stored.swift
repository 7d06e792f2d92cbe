import JSON

/// What a section gave, as a file keeps it until its document is done: nothing is rounded.
extension Extractor.Result {
    package var stored: JSONValue {
        .array([
            .integer(tokens), .integer(rows), .bool(isComplete), finding.map { $0.stored } ?? .null,
        ])
    }

    package init?(stored: JSONValue) {
        guard let members = stored.array, members.count == 4, let tokens = members[0].integer,
            let rows = members[1].integer, let isComplete = members[2].bool
        else { return nil }
        var finding: Finding?
        if !members[3].isNull {
            finding = Finding(stored: members[3])
            guard finding != nil else { return nil }
        }
        self.init(finding: finding, tokens: tokens, rows: rows, isComplete: isComplete)
    }
}

extension Finding {
    fileprivate var stored: JSONValue {
        switch self {
        case .value(let leaf):
            return .object([
                JSONMember("value", leaf.value), JSONMember("probability", Self.bits(leaf.probability)),
                JSONMember("null", Self.bits(leaf.nullProbability)),
                JSONMember("verbatim", .bool(leaf.isVerbatim)),
                JSONMember("spans", .array(leaf.spans.map { $0.stored })),
            ])
        case .object(let members):
            return .object([
                JSONMember("object", .array(members.map { .array([.string($0.name), $0.finding.stored]) }))
            ])
        case .list(let list): return .object([JSONMember("list", .array(list.map { $0.stored }))])
        }
    }

    fileprivate init?(stored: JSONValue) {
        if let value = stored["value"] {
            guard let probability = Self.number(stored["probability"]),
                let null = Self.number(stored["null"]),
                let isVerbatim = stored["verbatim"]?.bool, let spans = stored["spans"]?.array
            else { return nil }
            var leaf = Leaf(value: value, probability: probability, nullProbability: null)
            leaf.isVerbatim = isVerbatim
            leaf.spans = spans.compactMap { TextSpan(stored: $0) }
            guard leaf.spans.count == spans.count else { return nil }
            self = .value(leaf)
        } else if let members = stored["object"]?.array {
            let known = members.compactMap { member -> (name: String, finding: Finding)? in
                guard let pair = member.array, pair.count == 2, let name = pair[0].string,
                    let finding = Finding(stored: pair[1])
                else { return nil }
                return (name, finding)
            }
            guard known.count == members.count else { return nil }
            self = .object(known)
        } else if let list = stored["list"]?.array {
            let known = list.compactMap { Finding(stored: $0) }
            guard known.count == list.count else { return nil }
            self = .list(known)
        } else {
            return nil
        }
    }

    private static func bits(_ value: Double) -> JSONValue {
        .integer(Int(truncatingIfNeeded: value.bitPattern))
    }

    private static func number(_ bits: JSONValue?) -> Double? {
        bits?.integer.map { Double(bitPattern: UInt64(truncatingIfNeeded: $0)) }
    }
}

extension TextSpan {
    fileprivate var stored: JSONValue {
        .array([
            .optional(part), .integer(range.lowerBound), .integer(range.upperBound),
            .string(String(decoding: text, as: UTF8.self)),
        ])
    }

    fileprivate init?(stored: JSONValue) {
        guard let members = stored.array, members.count == 4, let low = members[1].integer,
            let high = members[2].integer, low <= high, let text = members[3].string
        else { return nil }
        self.init(part: members[0].string, range: low..<high, text: Array(text.utf8))
    }
}
