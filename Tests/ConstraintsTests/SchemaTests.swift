import Constraints
import JSON
import Testing

struct Case: Sendable, CustomTestStringConvertible {
    var schema: String
    var good: [String]
    var bad: [String]
    var testDescription: String { schema }
}

@Suite struct SchemaTests {
    static let cases: [Case] = [
        Case(
            schema: "true", good: ["1", "{\"a\": [1, {}]}", "\"x\"", "-0.5e+3"],
            bad: ["", "01", "[1,]", "\"\n\""]),
        Case(
            schema: ##"{"type": ["integer", "null"]}"##, good: ["0", "-7", "null"],
            bad: ["1.5", "\"1\"", "00"]),
        Case(
            schema: ##"{"type": "integer", "minimum": -12, "exclusiveMaximum": 305}"##,
            good: ["-12", "-1", "0", "7", "99", "300", "304"], bad: ["-13", "305", "306", "1000", "-100"]),
        Case(
            schema: ##"{"type": "number", "exclusiveMinimum": 0, "maximum": 1.25}"##,
            good: ["0.1", "1", "1.25", "1.2"],
            bad: ["0", "-1", "1.26", "1.250001", "2", "0.0"]),
        Case(
            schema: ##"{"type": "number", "minimum": -1.5, "maximum": -0.5}"##,
            good: ["-1", "-1.5", "-0.50"], bad: ["-0.4", "-1.51", "0", "1"]),
        Case(
            schema: ##"{"type": "integer", "multipleOf": 7}"##, good: ["0", "7", "-14", "49"],
            bad: ["1", "8", "-15"]),
        Case(
            schema: ##"{"type": "number", "multipleOf": 0.05}"##, good: ["0.05", "1", "1.100"],
            bad: ["0.03", "1.101"]),
        Case(
            schema: ##"{"type": "integer", "multipleOf": 0.123456789}"##,
            good: ["0", "123456789", "-246913578"],
            bad: ["1", "123456788", "10.0"]),
        Case(
            schema: ##"{"type": "number", "multipleOf": 0.123456789, "minimum": 1}"##,
            good: ["1.111111101", "123456789", "1.2345678900"],
            bad: ["0", "0.123456789", "1.1111111012", "1.5"]),
        Case(
            schema: ##"{"type": "number", "multipleOf": 1e-8}"##, good: ["12391239123", "0.00000001", "3.5"],
            bad: ["0.000000001", "1.123456789"]),
        Case(
            schema: ##"{"type": "number", "multipleOf": 7500000000000001}"##,
            good: ["0", "7500000000000001", "-15000000000000002.0"], bad: ["1", "7500000000000002", "0.5"]),
        Case(
            schema: ##"{"type": "string", "minLength": 2, "maxLength": 3}"##,
            good: ["\"ab\"", "\"日本語\"", "\"\\n\\\"\"", "\"😀é\""],
            bad: ["\"a\"", "\"abcd\"", "\"\\n\"", "\"日\""]),
        Case(
            schema: ##"{"type": "string", "pattern": "^a.c$|x+y"}"##,
            good: ["\"abc\"", "\"a日c\"", "\"-xxy-\""], bad: ["\"ac\"", "\"abcd\"", "\"x\""]),
        // Found among characters, never inside of an escape.
        Case(
            schema: ##"{"type": "string", "pattern": "n|[0-9]{4}"}"##,
            good: [##""n""##, ##""\\n""##, ##""\u00001234""##, ##""\n2024-""##],
            bad: [##""\n""##, ##""\u0000""##, ##""\u00e9000""##, ##""\ud83d\ude00""##, ##""a\u003112""##]),
        Case(
            schema: ##"{"type": "string", "pattern": "(^|,)a(,|$)"}"##,
            good: ["\"a\"", "\"b,a\"", "\"a,c\""], bad: ["\"ba\"", "\"\""]),
        Case(
            schema: ##"{"type": "string", "pattern": "^\\p{Lu}\\d{2,3}$"}"##, good: ["\"A12\"", "\"É123\""],
            bad: ["\"a12\"", "\"A1\"", "\"A1234\""]),
        Case(
            schema: ##"{"type": "string", "format": "date"}"##, good: ["\"2024-02-29\"", "\"1999-12-31\""],
            bad: ["\"2023-02-29\"", "\"1900-02-29\"", "\"2024-13-01\"", "\"2024-04-31\""]),
        Case(
            schema: ##"{"type": "string", "format": "ipv6"}"##,
            good: ["\"::1\"", "\"1:2:3:4:5:6:7:8\"", "\"::ffff:1.2.3.4\""],
            bad: ["\"1:2:3\"", "\"1::2::3\"", "\"12345::\""]),
        Case(
            schema: ##"{"enum": ["a\"b", 1, null, {"k": [true]}]}"##,
            good: ["\"a\\\"b\"", "1", "null", "{\"k\": [true]}"], bad: ["2", "\"ab\"", "{\"k\": [false]}"]),
        Case(
            schema:
                ##"{"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}, "required": ["b"]}"##,
            good: ["{\"b\": \"x\"}", "{\"a\": 1, \"b\": \"x\"}", "{\"b\": \"\", \"zz\": [1]}"],
            bad: [
                "{}", "{\"a\": 1}", "{\"b\": 1}", "{\"b\": \"x\", \"a\": \"y\"}", "{\"b\": \"x\", \"b\": 2}",
            ]),
        Case(
            schema:
                ##"{"type": "object", "patternProperties": {"^x": {"type": "integer"}}, "additionalProperties": false, "maxProperties": 2}"##,
            good: ["{}", "{\"x1\": 1, \"xy\": 2}"],
            bad: ["{\"y\": 1}", "{\"x\": \"\"}", "{\"x1\": 1, \"x2\": 1, \"x3\": 1}"]),
        Case(
            schema: ##"{"type": "object", "propertyNames": {"maxLength": 2}, "minProperties": 1}"##,
            good: ["{\"ab\": 1}"], bad: ["{}", "{\"abc\": 1}"]),
        Case(
            schema:
                ##"{"type": "array", "prefixItems": [{"type": "integer"}], "items": {"type": "string"}, "minItems": 1, "maxItems": 3}"##,
            good: ["[1]", "[1, \"a\", \"b\"]"], bad: ["[]", "[\"a\"]", "[1, 2]", "[1, \"a\", \"b\", \"c\"]"]),
        Case(
            schema: ##"{"allOf": [{"type": "integer", "minimum": 3}, {"maximum": 5}]}"##, good: ["3", "5"],
            bad: ["2", "6", "\"3\""]),
        Case(
            schema:
                ##"{"oneOf": [{"properties": {"t": {"const": "a"}, "v": {"type": "integer"}}, "required": ["t", "v"]}, {"properties": {"t": {"const": "b"}}, "required": ["t"]}], "type": "object"}"##,
            good: ["{\"t\": \"a\", \"v\": 1}", "{\"t\": \"b\"}"], bad: ["{\"t\": \"a\"}", "{\"t\": \"c\"}"]),
        Case(
            schema:
                ##"{"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "additionalProperties": false, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}"##,
            good: ["{\"a\": 1}", "{\"b\": 1}"], bad: ["{}", "{\"a\": 1, \"b\": 1}"]),
        Case(
            schema:
                ##"{"allOf": [{"oneOf": [{"properties": {"t": {"const": 1}, "v": {"type": "null"}}, "required": ["t"]}, {"properties": {"t": {"const": 2}}, "required": ["t"]}]}, {"type": "object"}]}"##,
            good: ["{\"t\": 1, \"v\": null}", "{\"t\": 2, \"v\": 7}"],
            bad: ["{\"t\": 1, \"v\": 7}", "{}", "3", "\"x\""]),
        Case(
            schema: ##"{"type": "object", "not": {"minProperties": 2}}"##, good: ["{}", "{\"x\": 1}"],
            bad: ["{\"x\": 1, \"y\": 2}"]),
        Case(
            schema:
                ##"{"properties": {"a": {"$id": "http://x.example/a", "$ref": "#/$defs/b", "$defs": {"b": {"type": "null"}}}}, "$defs": {"b": {"type": "integer"}}, "required": ["a"], "type": "object"}"##,
            good: ["{\"a\": null}"], bad: ["{\"a\": 1}"]),
        Case(
            schema:
                ##"{"$defs": {"tree": {"type": "object", "properties": {"v": {"type": "integer"}, "kids": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}, "required": ["v"], "additionalProperties": false}}, "$ref": "#/$defs/tree"}"##,
            good: ["{\"v\": 1}", "{\"v\": 1, \"kids\": [{\"v\": 2, \"kids\": []}]}"],
            bad: ["{\"v\": 1, \"kids\": [{}]}", "{\"v\": 1, \"kids\": [{\"v\": \"\"}]}"]),
        Case(
            schema: ##"{"not": {"type": ["string", "number"]}}"##, good: ["null", "[1]"], bad: ["1", "\"\""]),
        Case(
            schema:
                ##"{"type": "object", "properties": {"a": {"enum": ["x", "y"]}, "b": {"type": "integer"}}, "if": {"properties": {"a": {"const": "x"}}, "required": ["a"]}, "then": {"required": ["b"]}, "additionalProperties": false}"##,
            good: ["{\"a\": \"y\"}", "{\"a\": \"x\", \"b\": 1}", "{}"], bad: ["{\"a\": \"x\"}"]),
        Case(
            schema: ##"{"properties": {"a": false}, "type": "object"}"##, good: ["{}", "{\"b\": 1}"],
            bad: ["{\"a\": 1}"]),
        Case(
            schema:
                ##"{"type": "object", "properties": {"next": {"$ref": "#"}, "v": {"type": "null"}}, "additionalProperties": false}"##,
            good: ["{\"next\": {\"next\": {}}}", "{\"v\": null}"], bad: ["{\"next\": null}"]),
    ]

    @Test("values that fit are accepted and others are not", arguments: cases)
    func values(_ one: Case) throws {
        let constraint = try Vocabulary.schema(one.schema)
        for text in one.good { #expect(accepts(constraint, text), "\(text)") }
        for text in one.bad { #expect(!accepts(constraint, text), "\(text)") }
    }

    @Test(
        "what cannot be enforced is an error that names the keyword and the place",
        arguments: [
            (
                ##"{"properties": {"a": {"type": "array", "uniqueItems": true}}}"##, "uniqueItems",
                "#/properties/a"
            ),
            (##"{"items": {"contains": {"type": "integer"}}}"##, "contains", "#/items"),
            (##"{"type": "object", "unevaluatedProperties": false}"##, "unevaluatedProperties", "#"),
            (##"{"pattern": "(?=a)b"}"##, "pattern", "#"), (##"{"pattern": "a\\b"}"##, "pattern", "#"),
            (##"{"oneOf": [{"type": "integer"}, {"multipleOf": 3}]}"##, "oneOf", "#"),
            (##"{"$ref": "http://example.com/x.json"}"##, "$ref", "#"),
            (##"{"format": "iri"}"##, "format", "#"),
            (##"{"$dynamicRef": "#x"}"##, "$dynamicRef", "#"),
            (##"{"$schema": "http://example.com/no-validation", "type": "string"}"##, "$schema", "#"),
        ])
    func refused(_ schema: String, _ keyword: String, _ path: String) throws {
        do {
            _ = try Vocabulary.schema(schema)
            Issue.record("compiled")
        } catch let error as ConstraintError {
            guard case .unsupported(let place, let named, _) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(named == keyword)
            #expect(place == path)
        }
    }

    @Test(
        "a schema that nothing fits is an error",
        arguments: [
            "false", ##"{"type": "integer", "minimum": 3, "maximum": 2}"##, ##"{"$ref": "#"}"##,
            ##"{"enum": []}"##,
            ##"{"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}"##,
            ##"{"allOf": [{"type": "string"}, {"type": "null"}]}"##,
            ##"{"type": "string", "pattern": "^a$", "minLength": 2}"##,
        ])
    func unsatisfiable(_ schema: String) throws {
        #expect(throws: ConstraintError.self) { _ = try Vocabulary.schema(schema) }
    }

    @Test("white space is what the spacing says")
    func spacing() throws {
        let schema = ##"{"type": "array", "items": {"type": "integer"}}"##
        #expect(accepts(try Vocabulary.schema(schema, .init(spacing: .compact)), "[1,2]"))
        #expect(!accepts(try Vocabulary.schema(schema, .init(spacing: .compact)), "[1, 2]"))
        #expect(accepts(try Vocabulary.schema(schema, .init(spacing: .spaced)), "[1, 2]"))
        #expect(accepts(try Vocabulary.schema(schema, .init(spacing: .flexible)), "[ 1 ,\n2\t]"))
    }
}
