import JSON

/// A schema in canonical form: what values of each type may be, and alternatives of that.
indirect enum Schema {
    case any
    case never(String)
    case null
    case boolean(Bool?)
    case number(NumberSchema)
    case string(StringSchema)
    case array(ArraySchema)
    case object(ObjectSchema)
    case anyOf([Schema])
    /// A schema by its place in the document, or the intersection of several.
    case reference(SchemaReference)

    static func union(_ list: [Schema]) -> Schema {
        var parts: [Schema] = []
        var reason = "there is no alternative"
        for schema in list {
            switch schema {
            case .any: return .any
            case .never(let why): reason = why
            case .anyOf(let inner): parts += inner
            default: parts.append(schema)
            }
        }
        return parts.isEmpty ? .never(reason) : parts.count == 1 ? parts[0] : .anyOf(parts)
    }

    var isAny: Bool { if case .any = self { true } else { false } }
    var isNever: Bool { if case .never = self { true } else { false } }
}

/// Places in the document whose schemas all hold.
struct SchemaReference: Hashable {
    var places: Set<String>
}

struct NumberSchema {
    struct Bound {
        var value: Decimal
        var isExclusive: Bool
    }

    var isInteger = false
    var minimum: Bound?
    var maximum: Bound?
    var multiples: [Decimal] = []
    /// The only values; nil for no such list.
    var exact: [Decimal]?
    var excluded: [Decimal] = []
}

struct StringSchema {
    var minimum = 0
    var maximum = Int.max
    var patterns: [RegexSyntax] = []
    var excludedPatterns: [RegexSyntax] = []
    var exact: [String]?
    var excluded: [String] = []
    var isVerbatim = false
}

struct ArraySchema {
    var prefix: [Schema] = []
    var items: Schema = .any
    var minimum = 0
    var maximum = Int.max
}

struct ObjectSchema {
    var properties: [(name: String, value: Schema)] = []
    var required: [String] = []
    var patterns: [(pattern: RegexSyntax, value: Schema)] = []
    var additional: Schema = .any
    /// All names must fit these.
    var names: [StringSchema] = []
    var minimum = 0
    var maximum = Int.max

    func value(of name: String) -> Schema? { properties.first { $0.name == name }?.value }
}

/// The types of JSON.
enum SchemaType: String, CaseIterable {
    case null, boolean, number, string, array, object

    var anything: Schema {
        switch self {
        case .null: .null
        case .boolean: .boolean(nil)
        case .number: .number(NumberSchema())
        case .string: .string(StringSchema())
        case .array: .array(ArraySchema())
        case .object: .object(ObjectSchema())
        }
    }
}

extension Schema {
    var type: SchemaType? {
        switch self {
        case .null: .null
        case .boolean: .boolean
        case .number: .number
        case .string: .string
        case .array: .array
        case .object: .object
        default: nil
        }
    }

    /// All values, type by type.
    static var allTypes: [Schema] { SchemaType.allCases.map(\.anything) }

    /// The schema that one value fits.
    static func exactly(_ value: JSONValue) -> Schema {
        switch value {
        case .null: return .null
        case .bool(let flag): return .boolean(flag)
        case .number(let digits):
            guard let number = Decimal(digits) else {
                return .never("the number \(digits) has too many digits")
            }
            return .number(NumberSchema(exact: [number]))
        case .string(let text): return .string(StringSchema(exact: [text]))
        case .array(let list):
            return .array(
                ArraySchema(
                    prefix: list.map { exactly($0) }, items: .never("the array ends there"),
                    minimum: list.count,
                    maximum: list.count))
        case .object(let members):
            return .object(
                ObjectSchema(
                    properties: members.map { ($0.name, exactly($0.value)) }, required: members.map(\.name),
                    additional: .never("the object has no other members")))
        }
    }
}
