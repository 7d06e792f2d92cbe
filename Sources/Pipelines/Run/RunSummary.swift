import Documents
import Evaluation
import JSON

/// What a run came to.
package struct RunSummary: Sendable, Equatable {
    package var documents = 0
    /// Labels in the order of the configuration, with their counts.
    package var labels: [(name: String, count: Int)] = []
    /// Documents that were read and to which no label applies; nil where each has one.
    package var none: Int?
    package var abstained = 0
    package var partial = 0
    package var notRead = 0
    /// Documents, among those not read, that need a password.
    package var encrypted = 0
    package var duplicates = 0
    /// Tokens of documents that were read, duplicates left out.
    package var tokens = 0
    /// Tokens that this process sent through the model.
    package var processTokens = 0
    /// Tokens that this process read although an earlier one had read them.
    package var readAgain = 0
    /// Rows that were there when this process began.
    package var resumedRows = 0
    package var seconds = 0.0
    /// Documents in the input, when this is a sample of them.
    package var sampledFrom: Int?

    package init(labels: [String] = []) { self.labels = labels.map { ($0, 0) } }

    package static func == (left: RunSummary, right: RunSummary) -> Bool { left.json == right.json }

    /// Counts one row.
    mutating func add(_ row: JSONValue) {
        documents += 1
        let given = ClassificationRow.given(row)
        for label in given {
            if let at = labels.firstIndex(where: { $0.name == label }) { labels[at].count += 1 }
        }
        if row["labels"] != nil {
            let isRead = row["distribution"]?.members?.isEmpty == false
            none = (none ?? 0) + (given.isEmpty && isRead ? 1 : 0)
        }
        if row["duplicate_of"] != nil { duplicates += 1 } else { tokens += row["tokens"]?.integer ?? 0 }
        switch ItemStatus(row["status"]?.string ?? "") {
        case .abstained: abstained += 1
        case .partial: partial += 1
        case .failed(.encrypted):
            notRead += 1
            encrypted += 1
        case .skipped, .failed, nil: notRead += 1
        case .ok: break
        }
    }

    /// 0 when every row is ok or abstained, else 1.
    package var exitStatus: Int32 { partial + notRead == 0 ? 0 : 1 }

    package var json: JSONValue {
        var members = [
            JSONMember("documents", .integer(documents)),
            JSONMember("labels", .object(labels.map { JSONMember($0.name, .integer($0.count)) })),
        ]
        if let none { members.append(JSONMember("none", .integer(none))) }
        members += [
            JSONMember("abstained", .integer(abstained)),
            JSONMember("partial", .integer(partial)),
            JSONMember("notRead", .integer(notRead)),
            JSONMember("duplicates", .integer(duplicates)),
            JSONMember("tokens", .integer(tokens)),
            JSONMember("sampledFrom", sampledFrom.map { .integer($0) } ?? .null),
        ]
        return .object(members)
    }

    /// Two or three lines for people.
    package var text: String {
        var parts = labels.prefix(8).map { "\($0.count) \(TerminalText.sanitized($0.name, limit: 60))" }
        if labels.count > 8 { parts.append("\(labels.dropFirst(8).reduce(0) { $0 + $1.count }) others") }
        if let none, none > 0 { parts.append("\(none) none of these") }
        if abstained > 0 { parts.append("\(abstained) abstained") }
        if partial > 0 { parts.append("\(partial) read in part") }
        if notRead > 0 { parts.append("\(notRead) not read") }
        if duplicates > 0 { parts.append("\(duplicates) exact duplicates") }
        var out = "\(documents) documents: \(parts.joined(separator: ", "))"
        if let sampledFrom { out += " (a sample of \(documents) from \(sampledFrom))" }
        return out
    }

    /// What this process did, in words.
    package var workText: String {
        let rate = seconds > 0 ? Int(Double(processTokens) / seconds) : 0
        var out =
            "\(processTokens) tokens in \(JSONValue.decimal(seconds, places: 1).text) s (\(rate) tokens/s)"
        if resumedRows > 0 || readAgain > 0 {
            out += "; \(resumedRows) rows were there, read again: \(readAgain) tokens"
        }
        return out
    }
}
