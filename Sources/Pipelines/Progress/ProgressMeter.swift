import Documents
import Glibc
import JSON

/// Where a run stands, on stderr: one line that moves on a terminal, nothing elsewhere, or a line of
/// JSON every ten seconds.
package final class ProgressMeter {
    package enum Style: String, CaseIterable, Sendable {
        case auto, bar, json, none
    }

    /// Numbers that move; set them and call `tick`.
    package struct Counts: Sendable {
        /// Rows finished, those of earlier processes among them.
        package var documents = 0
        /// Documents in all, once they have been counted.
        package var totalDocuments: Int?
        /// Bytes of text in all, once they have been counted.
        package var totalTextBytes: Int?
        /// Bytes of text of the documents finished or passed over.
        package var textBytes = 0
        /// Bytes of text that this process really read.
        package var readTextBytes = 0
        /// Tokens that this process sent through the model.
        package var tokens = 0
        package var failures = 0
        package var duplicates = 0
        /// Tokens that a kept state had read.
        package var cachedTokens = 0
        /// Token at which the reading of one long text stands; nil when there is no such text.
        package var position: Int?
        /// Questions answered; nil where none are asked.
        package var questions: Int?
        package var totalQuestions: Int?
        /// When the last state or row was made safe, in `Clock.seconds`.
        package var lastSafe: Double?
    }

    package var counts = Counts()
    private let style: Style
    private let isTerminal: Bool
    private let isQuiet: Bool
    private let usesColor: Bool
    private let started = Clock.seconds
    private var lastShown = 0.0
    private var lineIsOpen = false

    /// - Parameters:
    ///   - style: `auto` is a bar on a terminal, else nothing.
    ///   - noColor: Set by `NO_COLOR`.
    ///   - isQuiet: Says nothing at all.
    package init(style: Style, noColor: Bool, isQuiet: Bool = false) {
        self.isQuiet = isQuiet
        isTerminal = isatty(STDERR_FILENO) == 1
        self.style = style == .auto && isTerminal ? .bar : style
        usesColor = isTerminal && !noColor
    }

    /// Seconds since the meter was made.
    package var elapsed: Double { Clock.seconds - started }

    package var tokensPerSecond: Double { elapsed > 0 ? Double(counts.tokens) / elapsed : 0 }

    /// Shows the counts when it is time to.
    package func tick(force: Bool = false) {
        if isQuiet || (style == .auto && !force) { return }
        let now = Clock.seconds
        let pause = style == .bar ? 0.2 : 10
        guard style != .none, force || now - max(lastShown, style == .bar ? 0 : started) >= pause else {
            return
        }
        if lastShown == 0, style != .bar, !force, now - started < 10 { return }
        lastShown = now
        switch style {
        case .json: Self.put(json.text + "\n")
        case .bar: showBar()
        case .auto, .none: Self.put("lector: \(words)\n")
        }
    }

    /// Prints a line of talk, above the bar where there is one.
    package func say(_ text: String) {
        if isQuiet { return }
        clear()
        Self.put("lector: \(text)\n")
    }

    /// Takes the bar away.
    package func clear() {
        if lineIsOpen { Self.put("\r\u{1B}[K") }
        lineIsOpen = false
    }

    private func showBar() {
        var window = winsize()
        let hasSize = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &window) == 0 && window.ws_col > 0
        let columns = hasSize ? Int(window.ws_col) : 80
        var line = words
        if let share {
            let width = 16
            let full = Int(share * Double(width))
            let bar = String(repeating: "━", count: full) + String(repeating: "─", count: width - full)
            line = "\(bar) \(line)"
        }
        if line.count >= columns { line = String(line.prefix(max(0, columns - 2))) + "…" }
        Self.put("\r\(usesColor ? "\u{1B}[36m" : "")\(line)\(usesColor ? "\u{1B}[0m" : "")\u{1B}[K")
        lineIsOpen = true
    }

    /// Share of the work that is done, by questions or by bytes of text.
    private var share: Double? {
        if let questions = counts.questions {
            return counts.totalQuestions.map { min(1, Double(questions) / Double(max(1, $0))) }
        }
        guard let total = counts.totalTextBytes, total > 0 else { return nil }
        return min(1, Double(counts.textBytes) / Double(total))
    }

    /// Seconds to the end, at the pace so far.
    private var secondsLeft: Double? {
        if let questions = counts.questions {
            guard let total = counts.totalQuestions, questions > 0, elapsed > 0.5 else { return nil }
            return Double(max(0, total - questions)) * elapsed / Double(questions)
        }
        guard let total = counts.totalTextBytes, counts.readTextBytes > 0, elapsed > 0.5 else { return nil }
        return Double(max(0, total - counts.textBytes)) / (Double(counts.readTextBytes) / elapsed)
    }

    private var words: String {
        var parts: [String] = []
        if let questions = counts.questions {
            let total = counts.totalQuestions.map { " of \($0)" } ?? ""
            parts.append("\(questions)\(total) questions")
        } else {
            let total = counts.totalDocuments.map { " of \($0)" } ?? ""
            parts.append("\(counts.documents)\(total) documents")
        }
        if let position = counts.position {
            parts.append("at token \(position)")
        } else {
            parts.append("\(counts.tokens) tokens")
        }
        if counts.cachedTokens > 0 { parts.append("\(counts.cachedTokens) of them from a kept state") }
        parts.append("\(Int(tokensPerSecond)) tokens/s")
        if let secondsLeft { parts.append("ETA \(Self.duration(secondsLeft))") }
        if counts.failures > 0 { parts.append("\(counts.failures) not read") }
        if counts.duplicates > 0 { parts.append("\(counts.duplicates) duplicates") }
        if let lastSafe = counts.lastSafe {
            parts.append("saved \(Self.duration(Clock.seconds - lastSafe)) ago")
        }
        return parts.joined(separator: " · ")
    }

    private var json: JSONValue {
        .object([
            JSONMember("event", .string("progress")),
            JSONMember("documents", .integer(counts.documents)),
            JSONMember("questions", counts.questions.map { .integer($0) } ?? .null),
            JSONMember("totalQuestions", counts.totalQuestions.map { .integer($0) } ?? .null),
            JSONMember("totalDocuments", counts.totalDocuments.map { .integer($0) } ?? .null),
            JSONMember("tokens", .integer(counts.tokens)),
            JSONMember("tokensPerSecond", .decimal(tokensPerSecond, places: 1)),
            JSONMember("etaSeconds", secondsLeft.map { .decimal($0, places: 1) } ?? .null),
            JSONMember("position", counts.position.map { .integer($0) } ?? .null),
            JSONMember("cachedTokens", .integer(counts.cachedTokens)),
            JSONMember(
                "savedSecondsAgo", counts.lastSafe.map { .decimal(Clock.seconds - $0, places: 1) } ?? .null),
            JSONMember("failures", .integer(counts.failures)),
            JSONMember("duplicates", .integer(counts.duplicates)),
            JSONMember("elapsedSeconds", .decimal(elapsed, places: 1)),
        ])
    }

    /// `3725` as `1:02:05`.
    package static func duration(_ seconds: Double) -> String {
        let whole = Int(min(max(0, seconds), 359_999_999).rounded())
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let hours = whole / 3600
        let rest = "\(two(whole / 60 % 60)):\(two(whole % 60))"
        return hours > 0 ? "\(hours):\(rest)" : rest
    }

    private static func put(_ text: String) {
        let bytes = Array(text.utf8)
        _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
    }
}
