import JSON

/// Reads a JSON Schema document, keyword by keyword, into canonical form.
///
/// A keyword that restricts and is not understood is an error with its path.
final class SchemaReader {
    let document: JSONValue
    let isLenient: Bool
    let isVerbatim: (String, JSONValue) -> Bool
    let arena: RegexArena
    private var anchors: [String: String] = [:]
    private var ambiguous: Set<String> = []
    /// Places of schemas with an identifier of their own, to which references inside are relative.
    private var resources: [String] = []
    private var known: [SchemaReference: Schema] = [:]
    private var open: Set<SchemaReference> = []
    private var budget = SchemaReader.steps
    private static let steps = 30_000

    init(
        _ document: JSONValue, isLenient: Bool, isVerbatim: @escaping (String, JSONValue) -> Bool,
        arena: RegexArena
    ) {
        self.document = document
        self.isLenient = isLenient
        self.isVerbatim = isVerbatim
        self.arena = arena
        collectAnchors(document, path: "#")
    }

    func root() throws(ConstraintError) -> Schema { .reference(SchemaReference(places: ["#"])) }

    /// The schema at a reference; read once.
    func resolve(_ reference: SchemaReference) throws(ConstraintError) -> Schema {
        if let schema = known[reference] { return schema }
        guard open.insert(reference).inserted else {
            throw .unsatisfiable(
                path: reference.places.sorted().joined(separator: " and "),
                reason: "the schema refers to itself")
        }
        defer { open.remove(reference) }
        var result = Schema.any
        for place in reference.places.sorted() {
            let schema: Schema
            if reference.places.count == 1 {
                guard let value = value(at: place) else {
                    throw .invalid(path: place, keyword: "$ref", reason: "there is nothing at that place")
                }
                schema = try read(value, place)
            } else {
                schema = try resolve(SchemaReference(places: [place]))
            }
            result = try intersect(result, schema, place)
        }
        known[reference] = result
        return result
    }

    func spend(_ path: String) throws(ConstraintError) {
        budget -= 1
        if budget < 0 {
            throw .tooComplex(path: path, reason: "more than \(Self.steps) steps of combining schemas")
        }
    }

    // MARK: Places

    private func collectAnchors(_ value: JSONValue, path: String) {
        switch value {
        case .object(let members):
            for keyword in ["$anchor", "$dynamicAnchor"] {
                if let name = value[keyword]?.string { setAnchor("#" + name, path) }
            }
            for keyword in ["$id", "id"] {
                guard let name = value[keyword]?.string else { continue }
                setAnchor(name, path)
                if !name.hasPrefix("#") {
                    if !name.hasSuffix("#") { setAnchor(name + "#", path) }
                    if path != "#" { resources.append(path) }
                }
            }
            for member in members where !Self.values.contains(member.name) {
                collectAnchors(member.value, path: path + "/" + Self.escaped(member.name))
            }
        case .array(let list):
            for (index, item) in list.enumerated() { collectAnchors(item, path: "\(path)/\(index)") }
        default: break
        }
    }

    /// Keywords whose content is data, not schemas.
    private static let values: Set<String> = ["enum", "const", "default", "examples", "example"]

    private func setAnchor(_ name: String, _ path: String) {
        if let known = anchors[name], known != path { ambiguous.insert(name) }
        anchors[name] = path
    }

    static func escaped(_ name: String) -> String {
        var out = ""
        for scalar in name.unicodeScalars {
            switch scalar {
            case "~": out += "~0"
            case "/": out += "~1"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    private func value(at place: String) -> JSONValue? {
        var value = document
        for step in place.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            var name = ""
            var rest = Array(step.utf8)[...]
            var bytes: [UInt8] = []
            while let byte = rest.first {
                if byte == UInt8(ascii: "%"), rest.count >= 3,
                    let code = UInt8(String(decoding: rest.dropFirst().prefix(2), as: UTF8.self), radix: 16)
                {
                    bytes.append(code)
                    rest = rest.dropFirst(3)
                } else {
                    bytes.append(byte)
                    rest = rest.dropFirst()
                }
            }
            name = String(decoding: bytes, as: UTF8.self)
            name = Self.replaced(Self.replaced(name, "~1", "/"), "~0", "~")
            if let list = value.array {
                guard let index = Int(name), list.indices.contains(index) else { return nil }
                value = list[index]
            } else {
                guard let next = value[name] else { return nil }
                value = next
            }
        }
        return value
    }

    private static func replaced(_ text: String, _ a: String, _ b: String) -> String {
        var out = ""
        var rest = Substring(text)
        while !rest.isEmpty {
            if rest.hasPrefix(a) {
                out += b
                rest = rest.dropFirst(a.count)
            } else {
                out.append(rest.removeFirst())
            }
        }
        return out
    }

    func place(of reference: String, _ path: String) throws(ConstraintError) -> String {
        var reference = reference
        let resource = resources.filter { path == $0 || path.hasPrefix($0 + "/") }.max { $0.count < $1.count }
        if let resource, reference == "#" || reference.hasPrefix("#/") {
            // A pointer begins at the nearest schema with an identifier.
            let place = resource + reference.dropFirst()
            if value(at: place) != nil { return place }
        }
        if ambiguous.contains(reference) || reference.hasPrefix("#") && resource != nil {
            throw .unsupported(
                path: path, keyword: "$ref", reason: "\(reference) depends on an $id inside the document")
        }
        if let anchored = anchors[reference] { return anchored }
        if let id = document["$id"]?.string ?? document["id"]?.string, !id.isEmpty, reference.hasPrefix(id) {
            reference.removeFirst(id.count)
            if reference.isEmpty { return "#" }
        }
        if reference == "#" || reference == "#/" && value(at: "#/") == nil { return "#" }
        if reference.hasPrefix("#/") {
            guard value(at: reference) != nil else {
                throw .invalid(path: path, keyword: "$ref", reason: "nothing stands at \(reference)")
            }
            return reference
        }
        throw .unsupported(path: path, keyword: "$ref", reason: "\(reference) is not in this document")
    }

    // MARK: Keywords

    private static let harmless: Set<String> = [
        "title", "description", "default", "examples", "example", "$schema", "$id", "id", "$comment",
        "$anchor",
        "$dynamicAnchor", "$recursiveAnchor", "$defs", "definitions", "$vocabulary", "deprecated", "readOnly",
        "writeOnly", "contentEncoding", "contentMediaType", "contentSchema",
    ]
    private static let understood: Set<String> = [
        "type", "enum", "const", "properties", "required", "additionalProperties", "patternProperties",
        "propertyNames", "minProperties", "maxProperties", "items", "prefixItems", "additionalItems",
        "minItems",
        "maxItems", "minLength", "maxLength", "pattern", "format", "minimum", "maximum", "exclusiveMinimum",
        "exclusiveMaximum", "multipleOf", "anyOf", "oneOf", "allOf", "$ref", "not", "if", "then", "else",
        "dependentRequired", "dependentSchemas", "dependencies", "uniqueItems", "nullable",
    ]
    /// Keywords that restrict and that nothing here enforces.
    private static let refused: [String: String] = [
        "contains": "which element fits is known only at the end", "unevaluatedProperties": "not implemented",
        "unevaluatedItems": "not implemented", "$dynamicRef": "dynamic scope",
        "$recursiveRef": "dynamic scope",
        "disallow": "a keyword of an old draft", "extends": "a keyword of an old draft",
        "divisibleBy": "a keyword of an old draft",
    ]

    /// - Parameter outer: What holds besides; the result is right together with it, and may be less than the schema
    ///   alone says.
    func read(_ value: JSONValue, _ path: String, within outer: Schema = .any) throws(ConstraintError)
        -> Schema
    {
        try spend(path)
        if let flag = value.bool { return flag ? .any : .never("the schema at \(path) is false") }
        guard let members = value.members else {
            throw .invalid(path: path, keyword: "schema", reason: "a schema is an object, true or false")
        }
        if !isLenient {
            if let dialect = value["$schema"]?.string, !dialect.contains("://json-schema.org/") {
                // Its meta-schema may turn keywords off, or say something else with them.
                throw .unsupported(
                    path: path, keyword: "$schema",
                    reason: "\(dialect) is a dialect of its own; json-schema.org's are known")
            }
            for member in members {
                guard let reason = Self.refused[member.name] else { continue }
                if member.name.hasPrefix("unevaluated"),
                    member.value.bool == true || member.value.members?.isEmpty == true
                {
                    continue
                }
                if member.name == "contains", value["minContains"]?.integer == 0, value["maxContains"] == nil
                {
                    continue
                }
                throw .unsupported(path: path, keyword: member.name, reason: reason)
            }
        }
        var result = try typed(value, path)
        if let list = value["enum"] {
            guard let values = list.array else {
                throw .invalid(path: path, keyword: "enum", reason: "an array was expected")
            }
            result = try intersect(result, .union(Self.merged(values)), path)
        }
        if let only = value["const"] { result = try intersect(result, .exactly(only), path) }
        if let reference = value["$ref"] {
            guard let text = reference.string else {
                throw .invalid(path: path, keyword: "$ref", reason: "a string was expected")
            }
            let target = SchemaReference(places: [try place(of: text, path)])
            result = try intersect(result, .reference(target), path)
        }
        let parts = try list(value, "allOf", path)
        // What the other parts say helps to tell the alternatives of one apart.
        var context = try intersect(outer, result, path)
        let hasAlternatives = parts.contains { $0["oneOf"] != nil }
        if hasAlternatives {
            for (index, part) in parts.enumerated() where part["oneOf"] == nil {
                context = try intersect(context, try read(part, "\(path)/allOf/\(index)"), path)
            }
        }
        for (index, part) in parts.enumerated() {
            let own = try read(part, "\(path)/allOf/\(index)", within: hasAlternatives ? context : .any)
            result = try intersect(result, own, path)
        }
        if value["anyOf"] != nil {
            result = try intersect(result, .union(try readAll(value, "anyOf", path)), path)
        }
        if value["oneOf"] != nil {
            result = try oneOf(value, within: result, besides: outer, path)
        }
        result = try conditions(value, result, path)
        return result
    }

    /// The values of an `enum`, one alternative a type.
    private static func merged(_ values: [JSONValue]) -> [Schema] {
        var strings: [String] = []
        var rest: [Schema] = []
        for value in values {
            if let text = value.string { strings.append(text) } else { rest.append(.exactly(value)) }
        }
        return (strings.isEmpty ? [] : [.string(StringSchema(exact: strings))]) + rest
    }

    func list(_ value: JSONValue, _ keyword: String, _ path: String) throws(ConstraintError) -> [JSONValue] {
        guard let list = value[keyword] else { return [] }
        guard let values = list.array, !values.isEmpty || keyword == "prefixItems" else {
            throw .invalid(path: path, keyword: keyword, reason: "an array of schemas was expected")
        }
        return values
    }

    private func readAll(_ value: JSONValue, _ keyword: String, _ path: String) throws(ConstraintError)
        -> [Schema]
    {
        var result: [Schema] = []
        for (index, part) in try list(value, keyword, path).enumerated() {
            result.append(try read(part, "\(path)/\(keyword)/\(index)"))
        }
        return result
    }

    /// - Parameters:
    ///   - outer: What the other keywords leave; it helps to tell the alternatives apart.
    ///   - besides: What holds besides this schema.
    private func oneOf(
        _ value: JSONValue, within outer: Schema, besides: Schema, _ path: String
    ) throws(ConstraintError) -> Schema {
        let alone = try readAll(value, "oneOf", path)
        var parts = alone
        for index in parts.indices { parts[index] = try intersect(outer, parts[index], path) }
        // Apart as they stand, or with what holds besides.
        let own = parts
        if !besides.isAny {
            for index in parts.indices { parts[index] = try intersect(besides, own[index], path) }
        }
        var isDisjoint = true
        var clash = (0, 0)
        for one in parts.indices {
            for other in parts.indices where one < other && isDisjoint {
                if !(try areDisjoint(parts[one], parts[other], path)) {
                    isDisjoint = false
                    clash = (one, other)
                }
            }
        }
        if isDisjoint || isLenient { return .union(parts) }
        // Each alternative without the others, where their complements can be written down.
        var complements: [Schema] = []
        for index in parts.indices {
            var complement = try complement(of: alone[index], path)
            if complement == nil { complement = try self.complement(of: parts[index], path) }
            guard parts.count <= 6, let complement else {
                throw .unsupported(
                    path: path, keyword: "oneOf",
                    reason: "alternatives \(clash.0) and \(clash.1) may both fit the same value")
            }
            complements.append(complement)
        }
        var result: [Schema] = []
        for one in parts.indices {
            var alternative = parts[one]
            for other in parts.indices where other != one {
                alternative = try intersect(alternative, complements[other], path)
            }
            result.append(alternative)
        }
        return .union(result)
    }

    /// `not`, `if`, and what depends on a member being there: as alternatives.
    private func conditions(_ value: JSONValue, _ schema: Schema, _ path: String) throws(ConstraintError)
        -> Schema
    {
        var result = schema
        if let inner = value["not"] {
            guard let complement = try complement(of: try read(inner, path + "/not"), path) else {
                if isLenient { return result }
                throw .unsupported(
                    path: path, keyword: "not", reason: "its complement cannot be written down")
            }
            result = try intersect(result, complement, path)
        }
        if let test = value["if"], value["then"] != nil || value["else"] != nil {
            let condition = try read(test, path + "/if")
            guard let complement = try complement(of: condition, path) else {
                if isLenient { return result }
                throw .unsupported(path: path, keyword: "if", reason: "its complement cannot be written down")
            }
            let then =
                try value["then"].map { part throws(ConstraintError) in try read(part, path + "/then") }
                ?? .any
            let otherwise =
                try value["else"].map { part throws(ConstraintError) in try read(part, path + "/else") }
                ?? .any
            result = try intersect(
                result,
                .union([try intersect(condition, then, path), try intersect(complement, otherwise, path)]),
                path)
        }
        for keyword in ["dependentRequired", "dependentSchemas", "dependencies"] {
            for member in value[keyword]?.members ?? [] {
                let consequence: Schema
                if let names = member.value.array {
                    consequence = .object(ObjectSchema(required: names.compactMap(\.string)))
                } else {
                    consequence = try read(member.value, "\(path)/\(keyword)/\(Self.escaped(member.name))")
                }
                let without = Schema.object(
                    ObjectSchema(properties: [(member.name, .never("\(member.name) is absent here"))]))
                let with = Schema.object(ObjectSchema(required: [member.name]))
                let others = Schema.allTypes.filter { $0.type != .object }
                result = try intersect(
                    result, .union(others + [without, try intersect(with, consequence, path)]), path)
            }
        }
        return result
    }

    func pattern(_ text: String, _ keyword: String, _ path: String) throws(ConstraintError) -> RegexSyntax {
        do throws(RegexSyntax.Failure) { return try RegexSyntax(parsing: text) } catch {
            if error.isUnsupported { throw .unsupported(path: path, keyword: keyword, reason: error.reason) }
            throw .invalid(path: path, keyword: keyword, reason: error.reason)
        }
    }
}
