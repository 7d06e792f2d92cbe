import JSON

extension SchemaReader {
    /// What `type` and the keywords of each type say.
    func typed(_ value: JSONValue, _ path: String) throws(ConstraintError) -> Schema {
        var types = Set(SchemaType.allCases)
        var isInteger = false
        if let type = value["type"] {
            let names = type.string.map { [$0] } ?? type.array?.compactMap(\.string) ?? []
            types = []
            for name in names {
                if name == "integer" {
                    isInteger = !names.contains("number")
                    types.insert(.number)
                } else if let known = SchemaType(rawValue: name) {
                    types.insert(known)
                } else {
                    throw .invalid(path: path, keyword: "type", reason: "there is no type \(name)")
                }
            }
            if names.isEmpty { throw .invalid(path: path, keyword: "type", reason: "no type is named") }
        }
        if value["nullable"]?.bool == true, value["type"] != nil { types.insert(.null) }
        var result: [Schema] = []
        var isRestricted = value["type"] != nil
        for type in SchemaType.allCases where types.contains(type) {
            let schema: Schema
            let keywords: [String]
            switch type {
            case .null, .boolean: (schema, keywords) = (type.anything, [])
            case .number:
                keywords = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]
                schema = try number(value, path, isInteger: isInteger)
            case .string:
                keywords = ["minLength", "maxLength", "pattern", "format"]
                schema = try string(value, path)
            case .array:
                keywords = ["items", "prefixItems", "minItems", "maxItems", "uniqueItems", "additionalItems"]
                schema = try array(value, path)
            case .object:
                keywords = [
                    "properties", "required", "additionalProperties", "patternProperties", "propertyNames",
                    "minProperties", "maxProperties",
                ]
                schema = try object(value, path)
            }
            isRestricted = isRestricted || keywords.contains { value[$0] != nil }
            result.append(schema)
        }
        return isRestricted ? .union(result) : .any
    }

    private func decimal(_ value: JSONValue, _ keyword: String, _ path: String) throws(ConstraintError)
        -> Decimal?
    {
        guard let member = value[keyword] else { return nil }
        guard case .number(let digits) = member, let decimal = Decimal(digits) else {
            throw .invalid(path: path, keyword: keyword, reason: "a number was expected")
        }
        return decimal
    }

    private func count(_ value: JSONValue, _ keyword: String, _ path: String) throws(ConstraintError) -> Int?
    {
        guard let decimal = try decimal(value, keyword, path) else { return nil }
        guard decimal.isInteger, !decimal.isNegative else {
            throw .invalid(path: path, keyword: keyword, reason: "a count was expected")
        }
        return Int(decimal.text) ?? .max
    }

    private func number(_ value: JSONValue, _ path: String, isInteger: Bool) throws(ConstraintError) -> Schema
    {
        var result = NumberSchema(isInteger: isInteger)
        // Draft 4 has flags where later drafts have bounds.
        let isFlag = { (name: String) in value[name]?.bool == true }
        if let bound = try decimal(value, "minimum", path) {
            result.minimum = .init(value: bound, isExclusive: isFlag("exclusiveMinimum"))
        }
        if let bound = try decimal(value, "maximum", path) {
            result.maximum = .init(value: bound, isExclusive: isFlag("exclusiveMaximum"))
        }
        if value["exclusiveMinimum"] != nil, value["exclusiveMinimum"]?.bool == nil,
            let bound = try decimal(value, "exclusiveMinimum", path)
        {
            result.minimum = tighter(result.minimum, .init(value: bound, isExclusive: true), isMinimum: true)
        }
        if value["exclusiveMaximum"] != nil, value["exclusiveMaximum"]?.bool == nil,
            let bound = try decimal(value, "exclusiveMaximum", path)
        {
            result.maximum = tighter(result.maximum, .init(value: bound, isExclusive: true), isMinimum: false)
        }
        if let step = try decimal(value, "multipleOf", path) {
            guard let (digits, _) = step.scaled, digits > 0, !step.isNegative else {
                throw .unsupported(
                    path: path, keyword: "multipleOf", reason: "not a positive number of 16 digits at most")
            }
            result.multiples = [step]
        }
        return .number(result)
    }

    private func string(_ value: JSONValue, _ path: String) throws(ConstraintError) -> Schema {
        var result = StringSchema()
        result.minimum = try count(value, "minLength", path) ?? 0
        result.maximum = try count(value, "maxLength", path) ?? .max
        if let text = value["pattern"] {
            guard let text = text.string else {
                throw .invalid(path: path, keyword: "pattern", reason: "a string was expected")
            }
            do throws(ConstraintError) { result.patterns.append(try pattern(text, "pattern", path)) } catch {
                guard isLenient, case .unsupported = error else { throw error }
            }
        }
        if let format = value["format"]?.string {
            switch StringFormat.pattern(of: format) {
            case .pattern(let text):
                result.patterns.append(try pattern("^(?:\(text))$", "format", path))
                if format == "hostname" {
                    result.maximum = min(result.maximum, 253)
                    // Labels such as xn--x: which of them are names, RFC 5891 decides letter by letter.
                    result.excludedPatterns.append(try pattern("(?:^|\\.)[^.]{2}--", "format", path))
                }
            case .refused where !isLenient:
                throw .unsupported(path: path, keyword: "format", reason: "\(format) is not implemented")
            case .refused, .unknown: break
            }
        }
        if value["enum"] == nil, value["const"] == nil, value["format"] == nil {
            result.isVerbatim = isVerbatim(path, value)
        }
        if result.minimum > result.maximum { return .never("minLength is above maxLength at \(path)") }
        return .string(result)
    }

    private func array(_ value: JSONValue, _ path: String) throws(ConstraintError) -> Schema {
        var result = ArraySchema()
        result.minimum = try count(value, "minItems", path) ?? 0
        result.maximum = try count(value, "maxItems", path) ?? .max
        for (index, part) in try list(value, "prefixItems", path).enumerated() {
            result.prefix.append(try child(part, "\(path)/prefixItems/\(index)"))
        }
        if let items = value["items"] {
            if let list = items.array {  // drafts before 2020-12
                for (index, part) in list.enumerated() {
                    result.prefix.append(try child(part, "\(path)/items/\(index)"))
                }
                if let more = value["additionalItems"] {
                    result.items = try child(more, path + "/additionalItems")
                }
            } else {
                result.items = try child(items, path + "/items")
            }
        }
        if value["uniqueItems"]?.bool == true, result.maximum > 1, !isLenient {
            throw .unsupported(
                path: path, keyword: "uniqueItems", reason: "elements are not compared with each other")
        }
        if result.minimum > result.maximum { return .never("minItems is above maxItems at \(path)") }
        return .array(result)
    }

    /// A schema below a value: read when it is met, so that recursion ends.
    private func child(_ value: JSONValue, _ path: String) throws(ConstraintError) -> Schema {
        if let flag = value.bool { return flag ? .any : .never("the schema at \(path) is false") }
        if value.members?.isEmpty == true { return .any }
        return try read(value, path)
    }

    private func object(_ value: JSONValue, _ path: String) throws(ConstraintError) -> Schema {
        var result = ObjectSchema()
        result.minimum = try count(value, "minProperties", path) ?? 0
        result.maximum = try count(value, "maxProperties", path) ?? .max
        if let properties = value["properties"] {
            guard let members = properties.members else {
                throw .invalid(path: path, keyword: "properties", reason: "an object was expected")
            }
            for member in members where result.value(of: member.name) == nil {
                let below = "\(path)/properties/\(Self.escaped(member.name))"
                result.properties.append((member.name, try child(member.value, below)))
            }
        }
        if let required = value["required"], required.bool == nil {
            guard let names = required.array else {
                throw .invalid(path: path, keyword: "required", reason: "an array of names was expected")
            }
            result.required = names.compactMap(\.string)
        }
        for member in value["patternProperties"]?.members ?? [] {
            let below = "\(path)/patternProperties/\(Self.escaped(member.name))"
            result.patterns.append(
                (try pattern(member.name, "patternProperties", path), try child(member.value, below)))
        }
        if let additional = value["additionalProperties"] {
            result.additional = try child(additional, path + "/additionalProperties")
        }
        if let names = value["propertyNames"] {
            let schema = try intersect(
                try read(names, path + "/propertyNames"), .string(StringSchema()), path + "/propertyNames")
            guard case .string(let string) = schema else {
                if case .never = schema {
                    result.maximum = 0
                    return .object(result)
                }
                throw .unsupported(path: path, keyword: "propertyNames", reason: "names with alternatives")
            }
            result.names = [string]
        }
        if result.minimum > result.maximum {
            return .never("minProperties is above maxProperties at \(path)")
        }
        return .object(result)
    }

    func tighter(_ a: NumberSchema.Bound?, _ b: NumberSchema.Bound?, isMinimum: Bool) -> NumberSchema.Bound? {
        guard let a else { return b }
        guard let b else { return a }
        if a.value == b.value { return a.isExclusive ? a : b }
        return (a.value < b.value) == isMinimum ? b : a
    }
}
