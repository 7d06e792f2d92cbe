import JSON

/// Members of a request's body, each with its type checked; what nobody asked for is an error.
struct RequestReader {
    private let members: [String: JSONValue]

    init(_ body: JSONValue) throws(APIError) {
        guard let list = body.members else { throw APIError("the body is not a JSON object") }
        var members: [String: JSONValue] = [:]
        for member in list {
            guard members.updateValue(member.value, forKey: member.name) == nil else {
                throw APIError(
                    "`\(Self.shown(member.name))` stands there twice", parameter: Self.shown(member.name))
            }
        }
        self.members = members
    }

    var names: some Collection<String> { members.keys }

    /// Nil for an absent member and for null.
    func value(_ name: String) -> JSONValue? {
        guard let value = members[name], !value.isNull else { return nil }
        return value
    }

    func string(_ name: String) throws(APIError) -> String? {
        guard let value = value(name) else { return nil }
        guard let string = value.string else { throw Self.wrongType(name, value, "a string") }
        return string
    }

    func bool(_ name: String) throws(APIError) -> Bool? {
        guard let value = value(name) else { return nil }
        guard let bool = value.bool else { throw Self.wrongType(name, value, "true or false") }
        return bool
    }

    func double(_ name: String) throws(APIError) -> Double? {
        guard let value = value(name) else { return nil }
        guard let double = value.double, double.isFinite else {
            throw Self.wrongType(name, value, "a number")
        }
        return double
    }

    func integer(_ name: String, _ range: ClosedRange<Int>) throws(APIError) -> Int? {
        guard let value = value(name) else { return nil }
        guard let integer = value.integer else { throw Self.wrongType(name, value, "a whole number") }
        guard range.contains(integer) else {
            throw APIError(
                "`\(name)` is \(integer); from \(range.lowerBound) to \(range.upperBound) is possible",
                parameter: name)
        }
        return integer
    }

    func object(_ name: String) throws(APIError) -> JSONValue? {
        guard let value = value(name) else { return nil }
        guard value.members != nil else { throw Self.wrongType(name, value, "an object") }
        return value
    }

    static func wrongType(_ name: String, _ value: JSONValue, _ expected: String) -> APIError {
        APIError("`\(name)` is \(kind(value)); \(expected) was expected", parameter: name)
    }

    private static func kind(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool: "true or false"
        case .number(let digits): "the number \(shown(digits))"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }

    /// A name from outside, in an error's text.
    static func shown(_ text: String) -> String { text.count > 60 ? text.prefix(60) + "..." : text }
}
