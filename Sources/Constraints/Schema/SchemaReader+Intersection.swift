extension SchemaReader {
    /// The values that fit both.
    func intersect(_ a: Schema, _ b: Schema, _ path: String) throws(ConstraintError) -> Schema {
        try spend(path)
        switch (a, b) {
        case (.any, _): return b
        case (_, .any): return a
        case (.never, _): return a
        case (_, .never): return b
        case (.reference(let one), .reference(let other)):
            return .reference(SchemaReference(places: one.places.union(other.places)))
        case (.reference(let one), _): return try intersect(try resolve(one), b, path)
        case (_, .reference(let other)): return try intersect(a, try resolve(other), path)
        case (.anyOf(let list), _):
            var parts: [Schema] = []
            for part in list { parts.append(try intersect(part, b, path)) }
            return .union(parts)
        case (_, .anyOf(let list)):
            var parts: [Schema] = []
            for part in list { parts.append(try intersect(a, part, path)) }
            return .union(parts)
        case (.null, .null): return a
        case (.boolean(let one), .boolean(let other)):
            if let one, let other, one != other { return .never("true and false at \(path)") }
            return .boolean(one ?? other)
        case (.number(let one), .number(let other)): return .number(intersect(one, other))
        case (.string(let one), .string(let other)): return .string(intersect(one, other))
        case (.array(let one), .array(let other)): return try intersect(one, other, path)
        case (.object(let one), .object(let other)): return try intersect(one, other, path)
        default: return .never("two types at \(path)")
        }
    }

    private func intersect(_ a: NumberSchema, _ b: NumberSchema) -> NumberSchema {
        var result = a
        result.isInteger = a.isInteger || b.isInteger
        result.minimum = tighter(a.minimum, b.minimum, isMinimum: true)
        result.maximum = tighter(a.maximum, b.maximum, isMinimum: false)
        result.multiples += b.multiples.filter { !a.multiples.contains($0) }
        result.excluded += b.excluded
        if let values = b.exact { result.exact = a.exact.map { $0.filter(values.contains) } ?? values }
        return result
    }

    private func intersect(_ a: StringSchema, _ b: StringSchema) -> StringSchema {
        var result = a
        result.minimum = max(a.minimum, b.minimum)
        result.maximum = min(a.maximum, b.maximum)
        result.patterns += b.patterns.filter { !a.patterns.contains($0) }
        result.excludedPatterns += b.excludedPatterns
        result.excluded += b.excluded
        result.isVerbatim = a.isVerbatim || b.isVerbatim
        if let values = b.exact { result.exact = a.exact.map { $0.filter(values.contains) } ?? values }
        return result
    }

    private func intersect(_ a: ArraySchema, _ b: ArraySchema, _ path: String) throws(ConstraintError)
        -> Schema
    {
        var result = ArraySchema()
        result.minimum = max(a.minimum, b.minimum)
        result.maximum = min(a.maximum, b.maximum)
        guard result.minimum <= result.maximum else { return .never("no length fits at \(path)") }
        for index in 0..<max(a.prefix.count, b.prefix.count) {
            let one = index < a.prefix.count ? a.prefix[index] : a.items
            let other = index < b.prefix.count ? b.prefix[index] : b.items
            result.prefix.append(try intersect(one, other, path))
        }
        result.items = try intersect(a.items, b.items, path)
        return .array(result)
    }

    private func intersect(_ a: ObjectSchema, _ b: ObjectSchema, _ path: String) throws(ConstraintError)
        -> Schema
    {
        var result = ObjectSchema()
        result.minimum = max(a.minimum, b.minimum)
        result.maximum = min(a.maximum, b.maximum)
        guard result.minimum <= result.maximum else { return .never("no number of members fits at \(path)") }
        result.required = a.required + b.required.filter { !a.required.contains($0) }
        result.names = a.names + b.names
        // Both sides' rules for names outside their lists must be one rule.
        for (one, other) in [(a, b), (b, a)] where !one.patterns.isEmpty {
            guard other.patterns.isEmpty, other.additional.isAny || other.additional.isNever else {
                throw .unsupported(
                    path: path, keyword: "patternProperties", reason: "rules for names of two schemas at once"
                )
            }
        }
        let patterns = a.patterns + b.patterns
        result.patterns = []
        for entry in patterns {
            let isOfA = !a.patterns.isEmpty
            result.patterns.append(
                (entry.pattern, try intersect(entry.value, isOfA ? b.additional : a.additional, path)))
        }
        result.additional = try intersect(a.additional, b.additional, path)
        let names = a.properties.map(\.name) + b.properties.map(\.name).filter { a.value(of: $0) == nil }
        for name in names {
            let value = try intersect(rule(a, name, path), rule(b, name, path), path)
            result.properties.append((name, value))
        }
        return .object(result)
    }

    /// What an object's schema says of the member of a name.
    func rule(_ object: ObjectSchema, _ name: String, _ path: String) throws(ConstraintError) -> Schema {
        var result = object.value(of: name)
        for entry in object.patterns where matches(entry.pattern, name) {
            result =
                try result.map { known throws(ConstraintError) in try intersect(known, entry.value, path) }
                ?? entry.value
        }
        return result ?? object.additional
    }

    func matches(_ pattern: RegexSyntax, _ text: String) -> Bool {
        return arena.matches(arena.jsonString(finding: pattern), SchemaLowering.spelled(text))
    }

    func fits(_ text: String, _ schema: StringSchema) -> Bool {
        let count = text.unicodeScalars.count
        return count >= schema.minimum && count <= schema.maximum
            && schema.patterns.allSatisfy { matches($0, text) }
            && !schema.excludedPatterns.contains { matches($0, text) }
            && !schema.excluded.contains(text) && schema.exact?.contains(text) ?? true
    }

    func fits(_ value: Decimal, _ schema: NumberSchema) -> Bool {
        if schema.isInteger, !value.isInteger { return false }
        if let bound = schema.minimum, value < bound.value || bound.isExclusive && value == bound.value {
            return false
        }
        if let bound = schema.maximum, value > bound.value || bound.isExclusive && value == bound.value {
            return false
        }
        if schema.excluded.contains(value) { return false }
        for step in schema.multiples {
            guard let (digits, scale) = step.scaled else { return false }
            var test: NumberTest? = NumberTest(.multiple(divisor: digits, scale: scale))
            for byte in value.text.utf8 { test = test?.next(byte) }
            guard test?.isAccepting == true else { return false }
        }
        return schema.exact?.contains(value) ?? true
    }

    // MARK: Disjointness

    /// Whether no value fits both, as far as can be proved.
    func areDisjoint(_ a: Schema, _ b: Schema, _ path: String, depth: Int = 0) throws(ConstraintError) -> Bool
    {
        try spend(path)
        if depth > 8 { return false }
        switch (a, b) {
        case (.never, _), (_, .never): return true
        case (.any, _), (_, .any): return false
        case (.reference(let one), _): return try areDisjoint(try resolve(one), b, path, depth: depth + 1)
        case (_, .reference(let other)): return try areDisjoint(a, try resolve(other), path, depth: depth + 1)
        case (.anyOf(let list), _):
            for part in list where !(try areDisjoint(part, b, path, depth: depth)) { return false }
            return true
        case (_, .anyOf(let list)):
            for part in list where !(try areDisjoint(a, part, path, depth: depth)) { return false }
            return true
        case (.boolean(let one), .boolean(let other)): return one != nil && other != nil && one != other
        case (.number(let one), .number(let other)):
            let common = intersect(one, other)
            return SchemaLowering.expression(of: common, arena, self) == RegexArena.nothing
        case (.string(let one), .string(let other)):
            var common = intersect(one, other)
            common.isVerbatim = false
            let expression = SchemaLowering.expression(of: common, arena, self, source: nil)
            return expression == RegexArena.nothing || !arena.isLive(expression)
        case (.array(let one), .array(let other)):
            if one.minimum > other.maximum || other.minimum > one.maximum { return true }
            for index in 0..<min(max(one.minimum, other.minimum), 16) {
                let x = index < one.prefix.count ? one.prefix[index] : one.items
                let y = index < other.prefix.count ? other.prefix[index] : other.items
                if try areDisjoint(x, y, path, depth: depth + 1) { return true }
            }
            return false
        case (.object(let one), .object(let other)):
            for name in one.required + other.required {
                if try areDisjoint(rule(one, name, path), rule(other, name, path), path, depth: depth + 1) {
                    return true
                }
            }
            return false
        case (.null, .null): return false
        default: return true
        }
    }

    // MARK: Complements

    /// The values that do not fit, where that can be written down.
    func complement(of schema: Schema, _ path: String, depth: Int = 0) throws(ConstraintError) -> Schema? {
        try spend(path)
        if depth > 8 { return nil }
        func others(_ type: SchemaType) -> [Schema] { Schema.allTypes.filter { $0.type != type } }
        switch schema {
        case .any: return .never("the complement of everything at \(path)")
        case .never: return .any
        case .reference(let reference):
            return try complement(of: try resolve(reference), path, depth: depth + 1)
        case .anyOf(let list):
            var result = Schema.any
            for part in list {
                guard let complement = try complement(of: part, path, depth: depth + 1) else { return nil }
                result = try intersect(result, complement, path)
            }
            return result
        case .null: return .union(others(.null))
        case .boolean(let flag): return .union(others(.boolean) + (flag.map { [.boolean(!$0)] } ?? []))
        case .number(let number):
            var parts = others(.number)
            if let values = number.exact {
                parts.append(.number(NumberSchema(excluded: values)))
            } else if number.isInteger || !number.multiples.isEmpty || !number.excluded.isEmpty {
                return nil
            }
            if let bound = number.minimum {
                parts.append(
                    .number(NumberSchema(maximum: .init(value: bound.value, isExclusive: !bound.isExclusive)))
                )
            }
            if let bound = number.maximum {
                parts.append(
                    .number(NumberSchema(minimum: .init(value: bound.value, isExclusive: !bound.isExclusive)))
                )
            }
            return .union(parts)
        case .string(let string):
            var parts = others(.string)
            if let values = string.exact { parts.append(.string(StringSchema(excluded: values))) }
            if !string.excluded.isEmpty { parts.append(.string(StringSchema(exact: string.excluded))) }
            if string.minimum > 0 { parts.append(.string(StringSchema(maximum: string.minimum - 1))) }
            if string.maximum < .max { parts.append(.string(StringSchema(minimum: string.maximum + 1))) }
            for pattern in string.patterns {
                parts.append(.string(StringSchema(excludedPatterns: [pattern])))
            }
            for pattern in string.excludedPatterns {
                parts.append(.string(StringSchema(patterns: [pattern])))
            }
            return .union(parts)
        case .array(let array):
            guard array.prefix.isEmpty, array.items.isAny else { return nil }
            var parts = others(.array)
            if array.minimum > 0 { parts.append(.array(ArraySchema(maximum: array.minimum - 1))) }
            if array.maximum < .max { parts.append(.array(ArraySchema(minimum: array.maximum + 1))) }
            return .union(parts)
        case .object(let object):
            guard object.patterns.isEmpty, object.additional.isAny, object.names.isEmpty else { return nil }
            var parts = others(.object)
            if object.minimum > 0 { parts.append(.object(ObjectSchema(maximum: object.minimum - 1))) }
            if object.maximum < .max { parts.append(.object(ObjectSchema(minimum: object.maximum + 1))) }
            for name in object.required {
                parts.append(
                    .object(ObjectSchema(properties: [(name, .never("\(name) is absent here"))])))
            }
            for property in object.properties {
                guard let complement = try complement(of: property.value, path, depth: depth + 1) else {
                    return nil
                }
                if complement.isNever { continue }
                parts.append(
                    .object(
                        ObjectSchema(properties: [(property.name, complement)], required: [property.name])))
            }
            return .union(parts)
        }
    }
}
