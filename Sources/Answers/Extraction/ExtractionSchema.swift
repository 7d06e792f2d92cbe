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
    /// What is asked of a stretch of text at once.
    struct Form: Sendable {
        /// Names that the prompt asks for.
        var fields: [String]
        /// What the answer fits.
        var whole: JSONValue
        /// The same for a part of a longer document, where what the document must have need not stand.
        var part: JSONValue
    }

    /// A list of records.
    struct RecordList: Sendable {
        /// The member that holds it; nil when it is all that there is.
        var name: String?
        var form: Form
        /// Members without which there is no record.
        var required: [String]
        /// Whether a record has strings that are copied.
        var copies: Bool
    }

    /// What is no list of records; nil when there is nothing else.
    private(set) var plain: Form?
    private(set) var lists: [RecordList] = []
    /// Names of a document's fields, or of a record's when the schema is a list.
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
        if json["type"]?.string == "array", let record = record(of: json) {
            lists = [recordList(named: nil, record)]
        } else if json["type"]?.string == "array" || !Self.hasOnly(Self.ofDocuments, json) {
            plain = Form(
                fields: fields, whole: Self.close(json, .document), part: Self.close(json, .section))
        } else {
            var rest: [JSONMember] = []
            for member in members {
                if let record = record(of: member.value) {
                    lists.append(recordList(named: member.name, record))
                } else {
                    rest.append(member)
                }
            }
            if !rest.isEmpty {
                let own = lists.isEmpty ? json : Self.restricted(json, to: rest)
                plain = Form(
                    fields: rest.map(\.name), whole: Self.close(own, .document),
                    part: Self.close(own, .section))
            }
        }
        if case .fields(let names) = verbatim {
            let known = Self.names(in: json)
            for name in names where !known.contains(name) {
                throw .invalid(path: "#", keyword: "verbatim", reason: "there is no field \(name)")
            }
        }
    }

    /// The whole answer, as it would be written at once: what of it cannot be enforced is an error.
    var whole: JSONValue { Self.close(json, .document) }

    /// Keywords that say nothing of a value, and those under which a document's members, or a list's, can be asked for apart.
    private static let notes: Set<String> = [
        "type", "title", "description", "default", "examples", "$comment", "$schema", "$id", "$defs",
        "definitions",
        "x-lector",
    ]
    private static let ofDocuments = notes.union(["properties", "required", "additionalProperties"])
    private static let ofLists = notes.union(["items", "minItems", "maxItems"])

    private static func hasOnly(_ keywords: Set<String>, _ schema: JSONValue) -> Bool {
        (schema.members ?? []).allSatisfy { keywords.contains($0.name) }
    }

    /// The schema of the records of a list; nil for what is none.
    private func record(of schema: JSONValue) -> JSONValue? {
        guard schema["type"]?.string == "array", let items = schema["items"],
            Self.hasOnly(Self.ofLists, schema)
        else { return nil }
        return items["properties"]?.members?.isEmpty == false ? items : nil
    }

    private func recordList(named name: String?, _ record: JSONValue) -> RecordList {
        let members = record["properties"]?.members ?? []
        var own = record
        // What the record refers to.
        for keyword in ["$defs", "definitions"] {
            if let shared = json[keyword], case .object(let known) = own, record[keyword] == nil {
                own = .object(known + [JSONMember(keyword, shared)])
            }
        }
        let form = Self.close(own, .record)
        let copies = members.contains { member in
            guard member.value["enum"] == nil, member.value["const"] == nil, member.value["format"] == nil
            else {
                return false
            }
            let types =
                member.value["type"]?.array?.compactMap(\.string) ?? [
                    member.value["type"]?.string ?? "string"
                ]
            return types.contains("string")
                && isVerbatim("#/properties/\(Finding.escaped(member.name))", member.value)
        }
        return RecordList(
            name: name, form: Form(fields: members.map(\.name), whole: form, part: form),
            required: (record["required"]?.array ?? []).compactMap(\.string), copies: copies)
    }

    /// An object's schema with some of its members.
    private static func restricted(_ json: JSONValue, to properties: [JSONMember]) -> JSONValue {
        let names = Set(properties.map(\.name))
        return .object(
            (json.members ?? []).map { member in
                switch member.name {
                case "properties": JSONMember(member.name, .object(properties))
                case "required":
                    JSONMember(
                        member.name,
                        .array((member.value.array ?? []).filter { names.contains($0.string ?? "") }))
                default: member
                }
            })
    }

    /// Lists no longer than the schema says: the surest members, in the order of the text.
    public func limited(_ finding: Finding) -> Finding { Self.limited(finding, json) }

    private static func limited(_ finding: Finding, _ schema: JSONValue) -> Finding {
        switch finding {
        case .value: return finding
        case .object(let members):
            return .object(
                members.map { ($0.name, limited($0.finding, schema["properties"]?[$0.name] ?? .bool(true))) })
        case .list(let list):
            let inner = list.map { limited($0, schema["items"] ?? .bool(true)) }
            guard let most = schema["maxItems"]?.integer, most < list.count else { return .list(inner) }
            let order = inner.indices.sorted { (inner[$1].surety, $0) < (inner[$0].surety, $1) }
            return .list(order.prefix(max(0, most)).sorted().map { inner[$0] })
        }
    }

    /// Members in the order of the schema.
    func ordered(_ members: [(name: String, finding: Finding)]) -> [(name: String, finding: Finding)] {
        fields.compactMap { name in members.first { $0.name == name } }
            + members.filter { !fields.contains($0.name) }
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

    /// What must stand where.
    private enum Closing {
        /// What is required.
        case document
        /// Of what the document must have, a choice from a list and yes or no; records keep what they require.
        case section
        /// Nothing: without what it requires, it is no record.
        case record
    }

    private static func close(_ json: JSONValue, _ closing: Closing = .document) -> JSONValue {
        guard let members = json.members else { return json }
        let required = Set((json["required"]?.array ?? []).compactMap(\.string))
        var result: [JSONMember] = []
        var names: [JSONValue] = []
        for member in members {
            switch member.name {
            case "properties":
                let properties = (member.value.members ?? []).map { property in
                    names.append(.string(property.name))
                    let inner = close(property.value, closing == .section ? .section : .document)
                    let isWritten =
                        switch closing {
                        case .document: required.contains(property.name)
                        case .section: required.contains(property.name) && !mayBeElsewhere(property.value)
                        case .record: false
                        }
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
            case "minItems" where closing == .section: break
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

    /// JSON pointers of what the schema requires and a document does not have: members, and lists with too few.
    public func missing(in data: JSONValue) -> [String] { Self.missing(json, data, "") }

    private static func missing(_ schema: JSONValue, _ data: JSONValue, _ pointer: String) -> [String] {
        if let list = data.array { return list.count < schema["minItems"]?.integer ?? 0 ? [pointer] : [] }
        var result: [String] = []
        for name in (schema["required"]?.array ?? []).compactMap(\.string) {
            guard data[name]?.isNull ?? true, !mayBeNull(schema["properties"]?[name]) else { continue }
            result.append("\(pointer)/\(Finding.escaped(name))")
        }
        for property in schema["properties"]?.members ?? [] {
            guard let value = data[property.name], value.members != nil || value.array != nil else {
                continue
            }
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
