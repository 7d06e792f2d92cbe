import Metrics
import Synchronization

/// Metrics in memory, shown as Prometheus' text format (0.0.4).
///
/// Counters, gauges and histograms only; a timer is a histogram of seconds.
final class Prometheus: MetricsFactory {
    private struct Key: Hashable {
        let label: String
        let dimensions: String
    }

    private let table = Mutex<[Key: Series]>([:])
    private let help: [String: String]

    /// - Parameter help: What each metric is, by its name.
    init(help: [String: String]) { self.help = help }

    private func series(_ label: String, _ dimensions: [(String, String)], _ kind: Series.Kind) -> Series {
        let key = Key(label: label, dimensions: Self.text(dimensions))
        return table.withLock { all in
            if let known = all[key] { return known }
            let made = Series(kind)
            all[key] = made
            return made
        }
    }

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, dimensions, .counter)
    }

    func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        series(label, dimensions, aggregate ? .histogram : .gauge)
    }

    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label, dimensions, .histogram)
    }

    // What was counted stays counted.
    func destroyCounter(_ handler: any CounterHandler) {}
    func destroyRecorder(_ handler: any RecorderHandler) {}
    func destroyTimer(_ handler: any TimerHandler) {}

    /// The exposition.
    var text: String {
        let all = table.withLock { $0 }
        var out = ""
        var last = ""
        for (key, series) in all.sorted(by: {
            ($0.key.label, $0.key.dimensions) < ($1.key.label, $1.key.dimensions)
        }) {
            if key.label != last {
                if let words = help[key.label] { out += "# HELP \(key.label) \(words)\n" }
                out += "# TYPE \(key.label) \(series.kind.rawValue)\n"
                last = key.label
            }
            series.write(key.label, key.dimensions, into: &out)
        }
        return out
    }

    private static func text(_ dimensions: [(String, String)]) -> String {
        dimensions.map { name, value in
            var escaped = ""
            for character in value {
                switch character {
                case "\\": escaped += "\\\\"
                case "\"": escaped += "\\\""
                case "\n": escaped += "\\n"
                default: escaped.append(character)
                }
            }
            return "\(name)=\"\(escaped)\""
        }.joined(separator: ",")
    }
}

/// One metric with one set of labels.
private final class Series: CounterHandler, RecorderHandler, TimerHandler {
    enum Kind: String {
        case counter, gauge, histogram
    }

    private struct Numbers {
        var count: Int64 = 0
        var value = 0.0
        var sum = 0.0
        var buckets = [Int64](repeating: 0, count: Series.bounds.count)
    }

    /// Upper ends of the histograms' buckets, in seconds: a token to a book.
    static let bounds: [Double] = [
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800,
    ]

    let kind: Kind
    private let numbers = Mutex(Numbers())

    init(_ kind: Kind) { self.kind = kind }

    func increment(by amount: Int64) {
        numbers.withLock { $0.count = $0.count.addingReportingOverflow(amount).partialValue }
    }
    func reset() { numbers.withLock { $0 = Numbers() } }
    func record(_ value: Int64) { record(Double(value)) }
    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

    func record(_ value: Double) {
        numbers.withLock { numbers in
            numbers.value = value
            guard kind == .histogram else { return }
            numbers.count += 1
            numbers.sum += value
            if let bucket = Self.bounds.firstIndex(where: { value <= $0 }) { numbers.buckets[bucket] += 1 }
        }
    }

    func write(_ label: String, _ dimensions: String, into out: inout String) {
        let numbers = numbers.withLock { $0 }
        let braces = dimensions.isEmpty ? "" : "{\(dimensions)}"
        switch kind {
        case .counter: out += "\(label)\(braces) \(numbers.count)\n"
        case .gauge: out += "\(label)\(braces) \(numbers.value)\n"
        case .histogram:
            let before = dimensions.isEmpty ? "" : dimensions + ","
            var sum: Int64 = 0
            for (bound, count) in zip(Self.bounds, numbers.buckets) {
                sum += count
                out += "\(label)_bucket{\(before)le=\"\(bound)\"} \(sum)\n"
            }
            out += "\(label)_bucket{\(before)le=\"+Inf\"} \(numbers.count)\n"
            out += "\(label)_sum\(braces) \(numbers.sum)\n\(label)_count\(braces) \(numbers.count)\n"
        }
    }
}
