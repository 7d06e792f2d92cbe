import Digests
import JSON

/// The file of a head: one line of JSON, a line feed, the weights as little-endian Float32, and the
/// SHA-256 of all of that.
extension LinearHead {
    static let currentFormat = 1
    /// What the features are; a build that reads others gives them another name.
    static let feature = "final-normed hidden state of the prompt's last token"

    public var bytes: [UInt8] {
        let names = labels.map { label in
            JSONValue.object(
                [JSONMember("name", .string(label.name))]
                    + (label.description.map { [JSONMember("description", .string($0))] } ?? []))
        }
        let header = JSONValue.object([
            JSONMember("lector-head", .integer(Self.currentFormat)),
            JSONMember("feature", .string(Self.feature)),
            JSONMember("width", .integer(width)),
            JSONMember("modelFingerprint", .string(modelFingerprint)),
            JSONMember("tokenizerFingerprint", .string(tokenizerFingerprint)),
            JSONMember("instruction", .string(instruction)),
            JSONMember("labels", .array(names)),
            JSONMember("examples", .integer(training.examples)),
            JSONMember("regularization", .decimal(training.regularization, places: 9)),
            JSONMember("validationLoss", .decimal(training.validationLoss)),
            JSONMember("validationAccuracy", .decimal(training.validationAccuracy)),
        ])
        var bytes = Array(header.text.utf8) + [0x0A]
        bytes.reserveCapacity(bytes.count + 4 * weights.count + 32)
        for weight in weights {
            withUnsafeBytes(of: weight.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
        }
        return bytes + SHA256.digest(of: bytes)
    }

    /// SHA-256 of the file's content, in hexadecimal: the head's name in a run.
    public var digest: String { bytes.suffix(32).hex }

    /// - Throws: ``HeadError/damaged(_:)``, ``HeadError/format(found:expected:)``.
    public init(bytes: [UInt8]) throws(HeadError) {
        guard let end = bytes.prefix(1 << 23).firstIndex(of: 0x0A),
            let header = try? JSONValue(parsing: bytes[..<end]),
            let format = header["lector-head"]?.integer
        else { throw .damaged("it does not begin with a head's description") }
        guard format == Self.currentFormat else {
            throw .format(found: format, expected: Self.currentFormat)
        }
        guard bytes.count > end + 33, SHA256.digest(of: bytes.dropLast(32)) == Array(bytes.suffix(32)) else {
            throw .damaged("its digest does not fit, \(bytes.count) bytes were found")
        }
        guard header["feature"]?.string == Self.feature else {
            throw .damaged("its features are not those of this version")
        }
        let names = (header["labels"]?.array ?? []).map {
            Label(name: $0["name"]?.string ?? "", description: $0["description"]?.string)
        }
        guard let labels = try? LabelList(names), let width = header["width"]?.integer, width > 0,
            width < 1 << 20, let instruction = header["instruction"]?.string,
            let model = header["modelFingerprint"]?.string,
            let tokenizer = header["tokenizerFingerprint"]?.string,
            let examples = header["examples"]?.integer,
            let regularization = header["regularization"]?.double,
            let loss = header["validationLoss"]?.double,
            let accuracy = header["validationAccuracy"]?.double
        else { throw .damaged("its description lacks a field, or labels cannot be asked for") }
        let values = bytes[(end + 1)..<(bytes.count - 32)]
        let expected = 4 * labels.count * (width + 1)
        guard values.count == expected else {
            throw .damaged("\(values.count) bytes of weights, \(expected) expected")
        }
        var weights: [Float] = []
        weights.reserveCapacity(expected / 4)
        for at in stride(from: values.startIndex, to: values.endIndex, by: 4) {
            let pattern = values[at..<at + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            weights.append(Float(bitPattern: pattern))
        }
        guard weights.allSatisfy(\.isFinite) else { throw .damaged("a weight is not a number") }
        self.init(
            labels: labels, instruction: instruction, modelFingerprint: model,
            tokenizerFingerprint: tokenizer,
            width: width, weights: weights,
            training: Training(
                examples: examples, regularization: regularization, validationLoss: loss,
                validationAccuracy: accuracy))
    }
}
