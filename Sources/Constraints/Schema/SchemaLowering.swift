/// Canonical schemas to grammars.
final class SchemaLowering {
    typealias Symbol = Grammar.Symbol

    private let reader: SchemaReader
    private let grammar: Grammar
    private let arena: RegexArena
    private let source: SourceText?
    private var references: [SchemaReference: Symbol] = [:]
    private var anyValue: Symbol?
    private var depth = 0

    init(reader: SchemaReader, grammar: Grammar, source: SourceText?) {
        self.reader = reader
        self.grammar = grammar
        arena = grammar.arena
        self.source = source
    }

    /// The symbol of a schema; nil when nothing fits.
    ///
    /// - Parameter chain: References that were followed without reading a byte.
    func lower(_ schema: Schema, _ path: String, chain: Set<SchemaReference> = []) throws(ConstraintError)
        -> Symbol?
    {
        depth += 1
        defer { depth -= 1 }
        try reader.spend(path)
        guard depth < 300 else { throw .tooComplex(path: path, reason: "values nested deeper than 300") }
        switch schema {
        case .any: return anything()
        case .never: return nil
        case .null: return arena.literal(Array("null".utf8))
        case .boolean(let flag):
            let yes = arena.literal(Array("true".utf8))
            let no = arena.literal(Array("false".utf8))
            return flag.map { $0 ? yes : no } ?? arena.either(yes, no)
        case .number(let number): return terminal(Self.expression(of: number, arena, reader))
        case .string(let string):
            if string.isVerbatim, source == nil {
                throw .invalid(path: path, keyword: "verbatim", reason: "there is no source to copy from")
            }
            return terminal(Self.expression(of: string, arena, reader, source: source))
        case .array(let array): return try lower(array, path)
        case .object(let object): return try lower(object, path)
        case .anyOf(let list):
            var parts: [Symbol] = []
            for part in list {
                if let symbol = try lower(part, path, chain: chain) { parts.append(symbol) }
            }
            return parts.isEmpty ? nil : grammar.choice(parts)
        case .reference(let reference):
            if chain.contains(reference) {
                throw .unsatisfiable(path: path, reason: "the schema refers to itself")
            }
            if let known = references[reference] { return known }
            let symbol = grammar.add(.open)
            references[reference] = symbol
            let target = try reader.resolve(reference)
            let place = reference.places.sorted().first ?? path
            if let body = try lower(target, place, chain: chain.union([reference])) {
                grammar.define(symbol, .sequence([body]))
            } else {
                grammar.define(symbol, .choice([]))
            }
            return symbol
        }
    }

    private func terminal(_ expression: RegexArena.ID) -> Symbol? {
        expression == RegexArena.nothing || !arena.isLive(expression) ? nil : expression
    }

    /// Any JSON value.
    private func anything() -> Symbol {
        if let anyValue { return anyValue }
        let symbol = grammar.add(.open)
        anyValue = symbol
        let scalar = arena.either([
            arena.literal(Array("null".utf8)), arena.literal(Array("true".utf8)),
            arena.literal(Array("false".utf8)),
            Self.expression(of: NumberSchema(), arena, reader),
            Self.expression(of: StringSchema(), arena, reader, source: nil),
        ])
        let array = grammar.add(Grammar.Array(prefix: [], rest: symbol))
        let key = arena.concat(Self.expression(of: StringSchema(), arena, reader, source: nil), grammar.colon)
        let object = grammar.add(Grammar.Object(properties: [], others: [(key, symbol)]))
        grammar.define(symbol, .choice([scalar, array, object]))
        return symbol
    }

    private func lower(_ schema: ArraySchema, _ path: String) throws(ConstraintError) -> Symbol? {
        var array = Grammar.Array(prefix: [], rest: nil, minimum: schema.minimum, maximum: schema.maximum)
        for (index, value) in schema.prefix.enumerated() where index < schema.maximum {
            guard let symbol = try lower(value, "\(path)/prefixItems/\(index)") else {
                array.maximum = min(array.maximum, index)
                break
            }
            array.prefix.append(symbol)
        }
        if array.maximum > array.prefix.count {
            array.rest = try lower(schema.items, path + "/items")
            if array.rest == nil { array.maximum = array.prefix.count }
        }
        guard array.minimum <= array.maximum else { return nil }
        return grammar.add(array)
    }

    private func lower(_ schema: ObjectSchema, _ path: String) throws(ConstraintError) -> Symbol? {
        var object = Grammar.Object(
            properties: [], others: [], minimum: schema.minimum, maximum: schema.maximum)
        let listed = schema.properties.map(\.name)
        let names = listed + schema.required.filter { !listed.contains($0) }
        for name in names {
            let isRequired = schema.required.contains(name)
            let fitsNames = schema.names.allSatisfy { reader.fits(name, $0) }
            let below = "\(path)/properties/\(SchemaReader.escaped(name))"
            let rule = try reader.rule(schema, name, below)
            guard fitsNames, let value = try lower(rule, below) else {
                if isRequired { return nil }
                continue
            }
            let key = arena.literal(Self.spelled(name), then: grammar.colon)
            object.properties.append(.init(key: key, value: value, isRequired: isRequired))
        }
        try addOthers(schema, listed: names, to: &object, path)
        let required = object.properties.count { $0.isRequired }
        if object.others.isEmpty {
            if object.minimum > object.properties.count { return nil }
        } else if object.minimum > required, object.minimum > 1 {
            // A name might be repeated, and be counted twice.
            throw .unsupported(
                path: path, keyword: "minProperties", reason: "repeated names would be counted")
        }
        guard required <= object.maximum else { return nil }
        return grammar.add(object)
    }

    /// Members whose names are not listed.
    private func addOthers(
        _ schema: ObjectSchema, listed: [String], to object: inout Grammar.Object, _ path: String
    ) throws(ConstraintError) {
        let isClosed = schema.additional.isNever && schema.patterns.isEmpty
        if isClosed || object.maximum == 0 { return }
        var names = StringSchema()
        for restriction in schema.names {
            names.minimum = max(names.minimum, restriction.minimum)
            names.maximum = min(names.maximum, restriction.maximum)
            names.patterns += restriction.patterns
            names.excludedPatterns += restriction.excludedPatterns
            names.excluded += restriction.excluded
            if let exact = restriction.exact {
                names.exact = names.exact.map { $0.filter(exact.contains) } ?? exact
            }
        }
        if let exact = names.exact {
            // A list of names: each is a property of its own.
            for name in exact where !listed.contains(name) && reader.fits(name, names) {
                guard let value = try lower(try reader.rule(schema, name, path), path) else { continue }
                object.properties.append(
                    .init(
                        key: arena.literal(Self.spelled(name), then: grammar.colon), value: value,
                        isRequired: false))
            }
            return
        }
        let base = Self.expression(of: names, arena, reader, source: nil)
        let unlisted = arena.not(arena.either(listed.map { arena.literal(Self.spelled($0)) }))
        let patterns = schema.patterns.map { arena.jsonString(finding: $0.pattern) }
        for fitting in Self.sets(of: patterns.count) {
            let key = arena.both(
                [base, unlisted]
                    + patterns.indices.map { fitting.contains($0) ? patterns[$0] : arena.not(patterns[$0]) })
            guard arena.isLive(key) else { continue }
            var value = schema.patterns[fitting[0]].value
            for other in fitting.dropFirst() {
                value = try reader.intersect(value, schema.patterns[other].value, path + "/patternProperties")
            }
            guard let symbol = try lower(value, path + "/patternProperties") else { continue }
            object.others.append((arena.concat(key, grammar.colon), symbol))
        }
        let key = arena.both([base, unlisted] + patterns.map { arena.not($0) })
        guard arena.isLive(key), let value = try lower(schema.additional, path + "/additionalProperties")
        else { return }
        object.others.append((arena.concat(key, grammar.colon), value))
    }

    /// Which patterns a name may fit: each set of them, or of many patterns each one and each two.
    private static func sets(of count: Int) -> [[Int]] {
        guard count > 4 else {
            return (1..<(1 << count)).map { bits in (0..<count).filter { bits >> $0 & 1 == 1 } }
        }
        return (0..<count).map { [$0] } + (0..<count).flatMap { one in (one + 1..<count).map { [one, $0] } }
    }

    static func spelled(_ text: String) -> [UInt8] {
        [0x22] + text.unicodeScalars.flatMap { SourceText.spelled($0) } + [0x22]
    }

    // MARK: Expressions

    /// A JSON string with its quotes.
    static func expression(
        of schema: StringSchema, _ arena: RegexArena, _ reader: SchemaReader, source: SourceText?
    ) -> RegexArena.ID {
        if let exact = schema.exact {
            return arena.either(exact.filter { reader.fits($0, schema) }.map { arena.literal(spelled($0)) })
        }
        let quote = arena.literal([0x22])
        var parts = schema.patterns.map { arena.jsonString(finding: $0) }
        if parts.isEmpty || schema.minimum > 0 || schema.maximum < .max {
            parts.append(
                arena.concat([
                    quote, arena.repeated(arena.jsonCharacter, schema.minimum, schema.maximum), quote,
                ]))
        }
        if schema.isVerbatim, let source {
            parts.append(arena.concat([quote, arena.source(source.root), quote]))
            // A copy is a string already.
            if schema.patterns.isEmpty, schema.minimum <= 1, schema.maximum == .max {
                parts = [parts[parts.count - 1]]
            }
        }
        if !schema.excluded.isEmpty {
            parts.append(arena.not(arena.either(schema.excluded.map { arena.literal(spelled($0)) })))
        }
        for pattern in schema.excludedPatterns { parts.append(arena.not(arena.jsonString(finding: pattern))) }
        return arena.both(parts)
    }

    /// A JSON number.
    static func expression(of schema: NumberSchema, _ arena: RegexArena, _ reader: SchemaReader)
        -> RegexArena.ID
    {
        if let exact = schema.exact {
            return arena.either(
                exact.filter { reader.fits($0, schema) }.map { arena.literal(Array($0.text.utf8)) })
        }
        let digits = arena.bytes(ByteSet(0x30...0x39))
        let whole = arena.either(
            arena.literal([0x30]), arena.concat(arena.bytes(ByteSet(0x31...0x39)), arena.repeated(digits, 0)))
        let fraction = arena.concat(arena.literal([0x2E]), arena.repeated(digits, 1))
        let minus = arena.literal([0x2D])
        let hasTests =
            schema.minimum != nil || schema.maximum != nil || !schema.multiples.isEmpty
            || !schema.excluded.isEmpty
        if !hasTests {
            if schema.isInteger { return arena.concat(arena.optional(minus), whole) }
            let exponent = arena.concat([
                arena.bytes(ByteSet("eE".utf8)), arena.optional(arena.bytes(ByteSet("+-".utf8))),
                arena.repeated(digits, 1),
            ])
            return arena.concat([
                arena.optional(minus), whole, arena.optional(fraction), arena.optional(exponent),
            ])
        }
        let syntax = schema.isInteger ? whole : arena.concat(whole, arena.optional(fraction))
        var positive = [syntax]
        var negative = [syntax]
        if let bound = schema.minimum {
            if bound.value.isNegative {
                negative.append(
                    arena.number(
                        NumberTest(.compare(bound.value.bound, bound.isExclusive ? .below : .atMost))))
            } else {
                positive.append(
                    arena.number(
                        NumberTest(.compare(bound.value.bound, bound.isExclusive ? .above : .atLeast))))
                // Only -0 is left of the negative numbers, and it has a better spelling.
                negative.append(RegexArena.nothing)
            }
        }
        if let bound = schema.maximum {
            if bound.value.isNegative {
                negative.append(
                    arena.number(
                        NumberTest(.compare(bound.value.bound, bound.isExclusive ? .above : .atLeast))))
                positive.append(RegexArena.nothing)
            } else {
                positive.append(
                    arena.number(
                        NumberTest(.compare(bound.value.bound, bound.isExclusive ? .below : .atMost))))
                if bound.isExclusive, bound.value.whole == [48], bound.value.isInteger {
                    negative.append(arena.number(NumberTest(.compare(bound.value.bound, .above))))
                }
            }
        }
        for step in schema.multiples {
            let (divisor, scale) = step.scaled!
            let test = arena.number(NumberTest(.multiple(divisor: divisor, scale: scale)))
            positive.append(test)
            negative.append(test)
        }
        for value in schema.excluded {
            // Not below and not above: equal in value, however it is written.
            let other = arena.not(
                arena.both([
                    arena.number(NumberTest(.compare(value.bound, .atMost))),
                    arena.number(NumberTest(.compare(value.bound, .atLeast))),
                ]))
            if value.isNegative || value.whole == [48] && value.isInteger { negative.append(other) }
            if !value.isNegative { positive.append(other) }
        }
        let result = arena.either(arena.both(positive), arena.concat(minus, arena.both(negative)))
        return arena.isLive(result) ? result : RegexArena.nothing
    }
}
