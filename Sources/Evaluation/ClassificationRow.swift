import Documents
import JSON

/// One line of the results of `lector classify`: an item, how it ended, and its label.
public struct ClassificationRow: Sendable, Equatable {
    /// One label and the probability that it is the right one.
    public struct LabelProbability: Sendable, Equatable {
        public var label: String
        public var probability: Double

        public init(label: String, probability: Double) {
            self.label = label
            self.probability = probability
        }
    }

    /// Address of the document, through every container.
    public var item: String
    public var status: ItemStatus
    /// Nil when nothing was read, and when no label reached the threshold.
    public var label: String?
    /// Where any number of labels may apply, those that do, in the order in which they were given; empty when none does
    /// and when nothing was read. Nil where a row has one label.
    public var labels: [String]?
    /// Of the most probable label, also when that is below the threshold. With ``labels``, of the answer where it is
    /// least sure: the least of p for labels that apply and 1 - p for those that do not.
    public var probability: Double?
    /// All labels, in the order in which they were given; empty when nothing was read. With ``labels`` each has a
    /// probability of its own, and the sum means nothing.
    public var distribution: [LabelProbability]
    /// What made the probabilities where it was not the prompt alone: `head` or `refine`.
    public var source: String?
    /// Tokens of the document that the model read.
    public var tokens: Int
    /// Share of the document's tokens that the model read, 0...1.
    public var read: Double
    /// The first item with exactly the same content, whose answer this row repeats.
    public var duplicateOf: String?
    public var metadata: [MetadataField]
    public var attachments: [Attachment]
    public var warnings: [String]
    /// Name and fingerprint of the model.
    public var model: String

    public init(
        item: String, status: ItemStatus, label: String? = nil, labels: [String]? = nil,
        probability: Double? = nil, distribution: [LabelProbability] = [], source: String? = nil,
        tokens: Int = 0, read: Double = 0, duplicateOf: String? = nil, metadata: [MetadataField] = [],
        attachments: [Attachment] = [], warnings: [String] = [], model: String = ""
    ) {
        self.item = item
        self.status = status
        self.label = label
        self.labels = labels
        self.probability = probability
        self.distribution = distribution
        self.source = source
        self.tokens = tokens
        self.read = read
        self.duplicateOf = duplicateOf
        self.metadata = metadata
        self.attachments = attachments
        self.warnings = warnings
        self.model = model
    }

    /// The labels that the row gives: one, several or none.
    public var given: [String] { labels ?? label.map { [$0] } ?? [] }

    /// The same of a row in JSON.
    package static func given(_ row: JSONValue) -> [String] {
        (row["labels"]?.array ?? row["label"].map { [$0] } ?? []).compactMap(\.string)
    }

    /// The first value of a metadata field.
    public func first(_ name: String) -> String? { metadata.first { $0.name == name }?.value }
}

/// Why a line of a results file is no row.
public struct RowError: Error, Equatable, CustomStringConvertible {
    public var message: String

    public init(_ message: String) { self.message = message }

    public var description: String { message }
}

extension ClassificationRow {
    /// The row as it is printed: names in the order of the documentation, probabilities
    /// rounded to six decimals. A name of metadata appears once, with its first value.
    public var json: JSONValue {
        var members: [JSONMember] = [
            JSONMember("item", .string(item)),
            JSONMember("status", .string(status.description)),
            labels.map { JSONMember("labels", .array($0.map { .string($0) })) }
                ?? JSONMember("label", .optional(label)),
            JSONMember("probability", probability.map { .decimal($0) } ?? .null),
            JSONMember(
                "distribution",
                .object(distribution.map { JSONMember($0.label, .decimal($0.probability)) })),
        ]
        if let source { members.append(JSONMember("source", .string(source))) }
        members.append(JSONMember("tokens", .integer(tokens)))
        members.append(JSONMember("read", .decimal(read)))
        if let duplicateOf { members.append(JSONMember("duplicate_of", .string(duplicateOf))) }
        var seen: Set<String> = []
        members.append(
            JSONMember(
                "metadata",
                .object(
                    metadata.filter { seen.insert($0.name).inserted }
                        .map { JSONMember($0.name, .string($0.value)) })))
        if !attachments.isEmpty {
            members.append(
                JSONMember(
                    "attachments",
                    .array(
                        attachments.map {
                            .object([
                                JSONMember("name", .string($0.name)),
                                JSONMember("type", .string($0.mediaType)),
                                JSONMember("bytes", $0.bytes.map { .integer($0) } ?? .null),
                            ])
                        })))
        }
        if !warnings.isEmpty {
            members.append(JSONMember("warnings", .array(warnings.map { .string($0) })))
        }
        members.append(JSONMember("model", .string(model)))
        return .object(members)
    }

    /// Reads what `json` wrote; unknown members are passed over, so that rows of later
    /// versions can be scored.
    public init(json: JSONValue) throws(RowError) {
        guard json.members != nil else { throw RowError("the line is not a JSON object") }
        guard let item = json["item"]?.string else { throw RowError("the row has no \"item\"") }
        guard let statusText = json["status"]?.string, let status = ItemStatus(statusText) else {
            throw RowError("the row has no known \"status\"")
        }
        self.init(
            item: item, status: status, label: json["label"]?.string,
            labels: json["labels"]?.array?.compactMap(\.string),
            probability: json["probability"]?.double,
            distribution: (json["distribution"]?.members ?? []).compactMap { member in
                member.value.double.map { LabelProbability(label: member.name, probability: $0) }
            },
            source: json["source"]?.string, tokens: json["tokens"]?.integer ?? 0,
            read: json["read"]?.double ?? 0,
            duplicateOf: json["duplicate_of"]?.string,
            metadata: (json["metadata"]?.members ?? []).compactMap { member in
                member.value.string.map { MetadataField(name: member.name, value: $0) }
            },
            attachments: (json["attachments"]?.array ?? []).map {
                Attachment(
                    name: $0["name"]?.string ?? "", mediaType: $0["type"]?.string ?? "",
                    bytes: $0["bytes"]?.integer)
            },
            warnings: (json["warnings"]?.array ?? []).compactMap { $0.string },
            model: json["model"]?.string ?? "")
    }
}
