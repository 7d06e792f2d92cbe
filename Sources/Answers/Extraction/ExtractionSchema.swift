import Constraints
import JSON

/// A schema as extraction uses it: closed objects, every member written, `null` for what is not
/// in the text.
///
/// `x-lector: {"verbatim": false}` on a string lets it be written freely.
public struct ExtractionSchema: Sendable {
    /// Which strings must be copied from the text.
    public enum Verbatim: Sendable, Equatable {
        case all, none
        case fields([String])
    }

    /// As given.
    public let json: JSONValue
    /// What the model's output fits.
    let closed: JSONValue
    /// Names that the prompt asks for.
    public let fields: [String]
    public let verbatim: Verbatim

    /// - Throws: ``ConstraintError`` when the schema is no object or array of objects, or has
    ///   something that cannot be enforced.
    public init(_ json: JSONValue, verbatim: Verbatim = .all) throws(ConstraintError) {
        self.json = json
        self.verbatim = verbatim
        let root = json["type"]?.string == "array" ? json["items"] ?? json : json
        guard let members = root["properties"]?.members, !members.isEmpty else {
            throw .invalid(
                path: "#", keyword: "properties",
                reason: "an object with properties, or an array of such objects, was expected")
        }
        fields = members.map(\.name)
        closed = Self.close(json)
        if case .fields(let names) = verbatim {
            let known = Self.names(in: json)
            for name in names where !known.contains(name) {
                throw .invalid(path: "#", keyword: "verbatim", reason: "there is no field \(name)")
            }
        }
    }

    private static func names(in json: JSONValue) -> Set<String> {
        var result: Set<String> = []
        for member in json.members ?? [] {
            if member.name == "properties" { result.formUnion((member.value.members ?? []).map(\.name)) }
            result.formUnion(names(in: member.value))
        }
        for value in json.array ?? [] { result.formUnion(names(in: value)) }
        return result
    }

    /// Whether the string at a place of ``closed`` is copied.
    func isVerbatim(_ path: String, _ schema: JSONValue) -> Bool {
        if let own = schema["x-lector"]?["verbatim"]?.bool { return own }
        switch verbatim {
        case .all: return true
        case .none: return false
        case .fields(let names):
            let steps = path.split(separator: "/").map(String.init)
            let field = steps.indices.last { $0 > 0 && steps[$0 - 1] == "properties" }.map { steps[$0] }
            return field.map(names.contains) ?? false
        }
    }

    /// Arrays without a limit of their own end here in one section.
    static let longestList = 32

    private static func close(_ json: JSONValue) -> JSONValue {
        guard let members = json.members else { return json }
        let required = Set((json["required"]?.array ?? []).compactMap(\.string))
        var result: [JSONMember] = []
        var names: [JSONValue] = []
        for member in members {
            switch member.name {
            case "properties":
                let properties = (member.value.members ?? []).map { property in
                    names.append(.string(property.name))
                    let inner = close(property.value)
                    return JSONMember(
                        property.name, required.contains(property.name) ? inner : nullable(inner))
                }
                result.append(JSONMember("properties", .object(properties)))
            case "items": result.append(JSONMember("items", close(member.value)))
            case "$defs", "definitions":
                result.append(
                    JSONMember(
                        member.name,
                        .object((member.value.members ?? []).map { JSONMember($0.name, close($0.value)) })))
            case "required" where json["properties"] != nil: break
            default: result.append(member)
            }
        }
        if json["properties"] != nil {
            let listed = Set(names.compactMap(\.string))
            names += (json["required"]?.array ?? []).filter { !listed.contains($0.string ?? "") }
            result.append(JSONMember("required", .array(names)))
            if json["additionalProperties"] == nil {
                result.append(JSONMember("additionalProperties", .bool(false)))
            }
        }
        if json["items"] != nil, json["maxItems"] == nil {
            result.append(JSONMember("maxItems", .integer(max(longestList, json["minItems"]?.integer ?? 0))))
        }
        return .object(result)
    }

    private static func nullable(_ schema: JSONValue) -> JSONValue {
        .object([
            JSONMember("anyOf", .array([schema, .object([JSONMember("type", .string("null"))])]))
        ])
    }
}
