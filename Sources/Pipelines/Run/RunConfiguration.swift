import Answers
import Documents
import JSON

/// Everything that changes the rows of a run besides its inputs: two runs with equal
/// configuration and equal inputs have equal rows.
package struct RunConfiguration: Sendable, Equatable {
    package var labels: LabelList
    /// Any number of the labels may apply.
    package var multi: Bool
    package var instruction: String?
    /// Below this probability a row abstains; with ``multi``, where it is always there, a label does not apply.
    package var threshold: Double?
    /// Tokens of a document that are read at most.
    package var maxTokens: Int?
    /// Leave quoted parts of mails out.
    package var skipQuoted: Bool
    /// Read only this many documents, chosen by digest.
    package var sample: Int?
    /// Which documents the inputs are.
    package var reading: ReadingConfiguration
    /// Digest of the head that reads the labels off; nil for the prompt's own answers.
    package var head: String?
    /// How probabilities are corrected, ``LabelCalibration/name``; nil for those of the prompt as they are.
    package var calibration: String?
    package var modelName: String
    package var modelFingerprint: String
    package var tokenizerFingerprint: String
    package var numericsClass: String

    package init(
        labels: LabelList, multi: Bool = false, instruction: String? = nil, threshold: Double? = nil,
        maxTokens: Int? = nil,
        skipQuoted: Bool = false, sample: Int? = nil, reading: ReadingConfiguration = .init(),
        head: String? = nil, calibration: String? = nil,
        modelName: String = "",
        modelFingerprint: String = "",
        tokenizerFingerprint: String = "", numericsClass: String = ""
    ) {
        self.labels = labels
        self.multi = multi
        self.instruction = instruction
        self.threshold = threshold
        self.maxTokens = maxTokens
        self.skipQuoted = skipQuoted
        self.sample = sample
        self.reading = reading
        self.head = head
        self.calibration = calibration
        self.modelName = modelName
        self.modelFingerprint = modelFingerprint
        self.tokenizerFingerprint = tokenizerFingerprint
        self.numericsClass = numericsClass
    }

    /// What stands in the `model` field of rows.
    package var modelText: String { "\(modelName)@\(modelFingerprint.prefix(12))" }

    package var json: JSONValue {
        var members = [
            JSONMember("task", .string("classify")),
            JSONMember(
                "labels",
                .array(
                    labels.map { label in
                        .object(
                            [JSONMember("name", .string(label.name))]
                                + (label.description.map { [JSONMember("description", .string($0))] } ?? []))
                    })),
            JSONMember("instruction", .optional(instruction)),
            JSONMember("threshold", threshold.map { .decimal($0) } ?? .null),
            JSONMember("maxTokens", maxTokens.map { .integer($0) } ?? .null),
            JSONMember("skipQuoted", .bool(skipQuoted)),
            JSONMember("sample", sample.map { .integer($0) } ?? .null),
            JSONMember("model", .string(modelName)),
            JSONMember("modelFingerprint", .string(modelFingerprint)),
            JSONMember("tokenizerFingerprint", .string(tokenizerFingerprint)),
            JSONMember("numericsClass", .string(numericsClass)),
        ]
        if multi { members.append(JSONMember("multi", .bool(true))) }
        if let reading = reading.json { members.append(JSONMember("reading", reading)) }
        if let calibration { members.append(JSONMember("calibration", .string(calibration))) }
        if let head { members.append(JSONMember("head", .string(head))) }
        return .object(members)
    }

    package init?(json: JSONValue?) {
        guard let json, json["task"]?.string == "classify", let labels = json["labels"]?.array,
            let checked = try? LabelList(
                labels.map { Label(name: $0["name"]?.string ?? "", description: $0["description"]?.string) },
                least: json["multi"]?.bool == true ? 1 : 2),
            let model = json["model"]?.string, let fingerprint = json["modelFingerprint"]?.string,
            let tokenizer = json["tokenizerFingerprint"]?.string,
            let numerics = json["numericsClass"]?.string,
            let reading = ReadingConfiguration(json: json["reading"])
        else { return nil }
        self.init(
            labels: checked, multi: json["multi"]?.bool ?? false,
            instruction: json["instruction"]?.string, threshold: json["threshold"]?.double,
            maxTokens: json["maxTokens"]?.integer, skipQuoted: json["skipQuoted"]?.bool ?? false,
            sample: json["sample"]?.integer, reading: reading, head: json["head"]?.string,
            calibration: json["calibration"]?.string, modelName: model,
            modelFingerprint: fingerprint,
            tokenizerFingerprint: tokenizer, numericsClass: numerics)
    }

    /// The first difference in words; nil when rows would be the same.
    package func difference(from earlier: RunConfiguration) -> String? {
        var first: String?
        func compare<Value: Equatable>(_ name: String, _ then: Value, _ now: Value, _ show: (Value) -> String)
        {
            if first == nil, then != now { first = "\(name) was \(show(then)), and is now \(show(now))" }
        }
        func orNone(_ value: some Any) -> String { "\(value)" }
        let clean = { (text: String) in TerminalText.sanitized(text, limit: 120) }
        let names = { (labels: LabelList) in clean(labels.names.joined(separator: ",")) }
        compare("--multi", earlier.multi, multi) { $0 ? "on" : "off" }
        if let first { return first }
        if labels.map(\.name) != earlier.labels.map(\.name) {
            return "labels was \(names(earlier.labels)), and is now \(names(labels))"
        }
        if let at = labels.indices.first(where: { labels[$0] != earlier.labels[$0] }) {
            return "the description of label \(clean(labels[at].name)) is another"
        }
        compare("--head", earlier.head, head) { $0.map { String($0.prefix(12)) } ?? "none" }
        compare("calibration", earlier.calibration, calibration) { $0 ?? "off" }
        compare("the instruction", earlier.instruction, instruction) { $0.map(clean) ?? "the default" }
        compare("--threshold", earlier.threshold, threshold) { $0.map { orNone($0) } ?? "none" }
        compare("--max-tokens", earlier.maxTokens, maxTokens) { $0.map { orNone($0) } ?? "none" }
        compare("--skip-quoted", earlier.skipQuoted, skipQuoted) { $0 ? "on" : "off" }
        compare("--sample", earlier.sample, sample) { $0.map { orNone($0) } ?? "none" }
        if first == nil { first = reading.difference(from: earlier.reading) }
        compare("the model", earlier.modelText, modelText, clean)
        compare("the model", earlier.modelFingerprint, modelFingerprint, clean)
        compare("the tokenizer", earlier.tokenizerFingerprint, tokenizerFingerprint) { String($0.prefix(12)) }
        compare("the arithmetic of this CPU class", earlier.numericsClass, numericsClass, clean)
        return first
    }
}
