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
    /// The same for a section of a longer document, where what the document must have need not stand.
    let sectional: JSONValue
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
        sectional = Self.close(json, isSection: true)
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

    /// - Parameter isSection: Of a document's own members only a choice from a list and yes or no must be made in
    ///   each section. Records keep what they require.
    private static func close(_ json: JSONValue, isSection: Bool = false) -> JSONValue {
        guard let members = json.members else { return json }
        let required = Set((json["required"]?.array ?? []).compactMap(\.string))
        var result: [JSONMember] = []
        var names: [JSONValue] = []
        for member in members {
            switch member.name {
            case "properties":
                let properties = (member.value.members ?? []).map { property in
                    names.append(.string(property.name))
                    let inner = close(property.value, isSection: isSection)
                    let isWritten =
                        required.contains(property.name) && !(isSection && mayBeElsewhere(property.value))
                    return JSONMember(property.name, isWritten ? inner : nullable(inner))
                }
                result.append(JSONMember("properties", .object(properties)))
            case "items": result.append(JSONMember("items", close(member.value)))
            case "$defs", "definitions":
                result.append(
                    JSONMember(
                        member.name,
                        .object((member.value.members ?? []).map { JSONMember($0.name, close($0.value)) })))
            case "required" where json["properties"] != nil: break
            case "minItems" where isSection: break
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

    /// Whether a member that a document must have may stand in another of its sections.
    private static func mayBeElsewhere(_ schema: JSONValue) -> Bool {
        if schema["enum"] != nil || schema["const"] != nil { return false }
        if schema["properties"] != nil || schema["items"] != nil { return false }
        return schema["type"]?.string != "boolean"
    }

    /// Whether a member's own schema knows null.
    package static func mayBeNull(_ schema: JSONValue?) -> Bool {
        let types = schema?["type"]?.array?.compactMap(\.string) ?? schema?["type"]?.string.map { [$0] } ?? []
        return types.isEmpty || types.contains("null")
    }

    /// JSON pointers of what the schema requires and a document does not have.
    public func missing(in data: JSONValue) -> [String] {
        data.array != nil ? [] : Self.missing(json, data, "")
    }

    private static func missing(_ schema: JSONValue, _ data: JSONValue, _ pointer: String) -> [String] {
        var result: [String] = []
        for name in (schema["required"]?.array ?? []).compactMap(\.string) {
            guard data[name]?.isNull ?? true, !mayBeNull(schema["properties"]?[name]) else { continue }
            result.append("\(pointer)/\(Finding.escaped(name))")
        }
        for property in schema["properties"]?.members ?? [] {
            guard let value = data[property.name], value.members != nil else { continue }
            result += missing(property.value, value, "\(pointer)/\(Finding.escaped(property.name))")
        }
        return result
    }

    private static func nullable(_ schema: JSONValue) -> JSONValue {
        .object([
            JSONMember("anyOf", .array([schema, .object([JSONMember("type", .string("null"))])]))
        ])
    }
}
