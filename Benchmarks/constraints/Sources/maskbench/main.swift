// Constraints against MaskBench's schemas and instances: what is accepted, refused, and how long it takes.
//
//     swift run -c release maskbench VOCABULARY FOLDER [SHARD OF]
//
// With MASKBENCH_VERDICTS=FILE it writes a line of JSON for each instance, for differential.py: what was accepted.
//
// VOCABULARY holds one token a line, base64. FOLDER holds MaskBench's `data/*.json`. An instance is
// spelled as Python's json.dumps does, its members as they stand or in the order of the schema, and cut into the
// longest tokens; a mask is computed before each, as a model's decoding would.
import Constraints
import Foundation
import JSON

func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) * 1e6 + Double(time.tv_nsec) / 1e3
}

let arguments = CommandLine.arguments
let vocabulary = try String(contentsOfFile: arguments[1], encoding: .utf8).split(
    separator: "\n", omittingEmptySubsequences: false
).dropLast().map { Array(Data(base64Encoded: String($0)) ?? Data()) }
let byText = Dictionary(vocabulary.enumerated().map { ($1, Int32($0)) }, uniquingKeysWith: { a, _ in a })
let longest = vocabulary.map(\.count).max() ?? 1

func tokens(of text: [UInt8]) -> [Int32] {
    var result: [Int32] = []
    var at = 0
    while at < text.count {
        var length = min(24, longest, text.count - at)
        while length > 1, byText[Array(text[at..<at + length])] == nil { length -= 1 }
        result.append(byText[Array(text[at..<at + length])] ?? -1)
        at += length
    }
    return result
}

/// Members in the order of the schema's properties, where it is plain to see.
func ordered(_ value: JSONValue, _ schema: JSONValue?, _ root: JSONValue, _ depth: Int = 0) -> JSONValue {
    guard depth < 40 else { return value }
    var schemas = [schema].compactMap { $0 }
    var index = 0
    while index < schemas.count, schemas.count < 40 {
        let one = schemas[index]
        index += 1
        if let reference = one["$ref"]?.string, reference.hasPrefix("#/") {
            var target: JSONValue? = root
            for step in reference.dropFirst(2).split(separator: "/") {
                target =
                    target?[
                        String(step).replacingOccurrences(of: "~1", with: "/").replacingOccurrences(
                            of: "~0", with: "~")]
            }
            if let target { schemas.append(target) }
        }
        for keyword in ["allOf", "anyOf", "oneOf"] { schemas += one[keyword]?.array ?? [] }
        for keyword in ["then", "else"] { if let part = one[keyword] { schemas.append(part) } }
    }
    switch value {
    case .object(let members):
        var order: [String] = []
        for one in schemas {
            order += (one["properties"]?.members ?? []).map(\.name).filter { !order.contains($0) }
            order += (one["required"]?.array ?? []).compactMap(\.string).filter { !order.contains($0) }
        }
        let first = order.compactMap { name in members.first { $0.name == name } }
        let rest = members.filter { !order.contains($0.name) }
        return .object(
            (first + rest).map { member in
                var below: JSONValue?
                for one in schemas where below == nil {
                    below = one["properties"]?[member.name] ?? one["additionalProperties"]
                }
                if below == nil {
                    below = schemas.lazy.compactMap { $0["patternProperties"]?.members?.first?.value }.first
                }
                return JSONMember(member.name, ordered(member.value, below, root, depth + 1))
            })
    case .array(let list):
        var below: JSONValue?
        for one in schemas where below == nil { below = one["items"] }
        return .array(
            list.enumerated().map { place, element in
                let schema = below?.array.map { place < $0.count ? $0[place] : .bool(true) } ?? below
                return ordered(element, schema, root, depth + 1)
            })
    default: return value
    }
}

/// Whole numbers without a point, which is the one way in which constraints spell them.
func canonical(_ value: JSONValue) -> JSONValue {
    switch value {
    case .object(let members): .object(members.map { JSONMember($0.name, canonical($0.value)) })
    case .array(let list): .array(list.map { canonical($0) })
    default:
        value.string == nil && value.text.hasSuffix(".0")
            ? (try? JSONValue(parsing: Array(value.text.dropLast(2).utf8))) ?? value : value
    }
}

let folder = arguments[2]
let shard = arguments.count > 4 ? (Int(arguments[3])!, Int(arguments[4])!) : (0, 1)
let files = try FileManager.default.contentsOfDirectory(atPath: folder).sorted().enumerated().filter {
    $0.offset % shard.1 == shard.0
}.map(\.element)
let verdictsPath = ProcessInfo.processInfo.environment["MASKBENCH_VERDICTS"]
var verdicts: [UInt8] = []
@MainActor func note(_ file: String, _ test: Int, _ verdict: String, _ spelling: [UInt8]) {
    guard verdictsPath != nil else { return }
    let row = JSONValue.object([
        JSONMember("file", .string(file)), JSONMember("test", .integer(test)),
        JSONMember("verdict", .string(verdict)),
        JSONMember("spelling", .string(String(decoding: spelling, as: UTF8.self))),
    ])
    verdicts += row.bytes + [0x0A]
}
let verbose = ProcessInfo.processInfo.environment["MASKBENCH_VERBOSE"] != nil
let started = now()
let trie = TokenTrie(tokens: vocabulary)
let compiler = ConstraintCompiler(trie: trie)
print("vocabulary \(vocabulary.count) tokens, trie and first profile in \(Int((now() - started) / 1000)) ms")

var compileTimes: [Double] = []
var maskTimes: [Double] = []
var (passing, compileErrors, acceptedInvalid, rejectedValid, validTests, invalidTests, wrongSchemas) = (
    0, 0, 0, 0, 0, 0, 0
)
var reasons: [String: Int] = [:]
for file in files {
    guard let data = FileManager.default.contents(atPath: folder + "/" + file),
        let json = try? JSONValue(parsing: Array(data)),
        let schema = json["schema"]
    else { continue }
    let before = now()
    let constraint: Constraint
    do {
        constraint = try compiler.constraint(schema: schema)
    } catch {
        compileErrors += 1
        let key: String
        switch error {
        case .unsupported(_, let keyword, let reason): key = "\(keyword): \(reason.prefix(48))"
        case .invalid(_, let keyword, let reason): key = "invalid \(keyword): \(reason.prefix(40))"
        case .unsatisfiable(_, let reason): key = "unsatisfiable: \(reason.prefix(40))"
        case .tooComplex(_, let reason): key = "too complex: \(reason.prefix(40))"
        }
        reasons[key, default: 0] += 1
        note(file, -1, "refused", Array("\(error)".utf8))
        if verbose { print("\(file): \(error)") }
        continue
    }
    _ = constraint.makeMatcher().mask()
    compileTimes.append(now() - before)
    if verbose, compileTimes.last! > 200_000 {
        print("\(file): slow compile \(Int(compileTimes.last! / 1000)) ms")
    }
    var isRight = true
    for (number, test) in (json["tests"]?.array ?? []).enumerated() {
        let isValid = test["valid"]?.bool ?? true
        if isValid { validTests += 1 } else { invalidTests += 1 }
        let data = test["data"] ?? .null
        var isAccepted = false
        var read = 0
        var text: [UInt8] = []
        // Members stand in MaskBench's order, or in the order of the schema's properties. A valid number may be spelled
        // canonically; MaskBench counts 1.0 for an integer as invalid, as draft 4 did.
        let inOrder = ordered(data, schema, schema)
        for candidate in [data.bytes, inOrder.bytes] + (isValid ? [canonical(inOrder).bytes] : [])
        where !isAccepted {
            var matcher = constraint.makeMatcher()
            isAccepted = true
            read = 0
            text = candidate
            for token in tokens(of: text) {
                let start = now()
                let mask = matcher.mask()
                maskTimes.append(now() - start)
                if verbose, maskTimes.last! > 20000 {
                    print("\(file): slow mask \(Int(maskTimes.last!)) us at byte \(read)")
                }
                guard mask.contains(token), matcher.advance(vocabulary[Int(token)]) else {
                    isAccepted = false
                    break
                }
                read += vocabulary[Int(token)].count
            }
            isAccepted = isAccepted && matcher.isComplete
        }
        note(file, number, isAccepted ? "accepted" : "rejected", text)
        if isAccepted != isValid {
            isRight = false
            if isValid { rejectedValid += 1 } else { acceptedInvalid += 1 }
            if verbose || !isValid {
                print(
                    "\(file): \(isValid ? "rejected valid" : "ACCEPTED INVALID") at byte \(read): \(String(decoding: text.dropFirst(max(0, read - 60)).prefix(160), as: UTF8.self))"
                )
            }
        }
    }
    if isRight { passing += 1 } else { wrongSchemas += 1 }
}
if let verdictsPath { try Data(verdicts).write(to: URL(fileURLWithPath: verdictsPath)) }
compileTimes.sort()
maskTimes.sort()
func quantile(_ list: [Double], _ share: Double) -> String {
    list.isEmpty ? "-" : String(format: "%.1f", list[min(list.count - 1, Int(Double(list.count) * share))])
}
print("schemas \(files.count): passing \(passing), compile errors \(compileErrors), wrong \(wrongSchemas)")
print(
    "instances: accepted invalid \(acceptedInvalid) of \(invalidTests), rejected valid \(rejectedValid) of \(validTests)"
)
print(
    "compile to first mask, ms: p50 \(quantile(compileTimes.map { $0 / 1000 }, 0.5)) p90 \(quantile(compileTimes.map { $0 / 1000 }, 0.9)) p99 \(quantile(compileTimes.map { $0 / 1000 }, 0.99)) max \(quantile(compileTimes.map { $0 / 1000 }, 1))"
)
print(
    "mask, us: p50 \(quantile(maskTimes, 0.5)) p90 \(quantile(maskTimes, 0.9)) p99 \(quantile(maskTimes, 0.99)) max \(quantile(maskTimes, 1)) count \(maskTimes.count)"
)
for (reason, count) in reasons.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }).prefix(40) {
    print("\(count)\t\(reason)")
}
