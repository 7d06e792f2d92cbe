import Completions
import Glibc
import Metrics

/// What the server counts.
struct ServerMetrics: Sendable {
    let prometheus = Prometheus(help: [
        "lector_http_requests_total": "Answers by path, method and status.",
        "lector_http_seconds": "From a request to the head of its answer.",
        "lector_first_token_seconds": "From a request to its first text.",
        "lector_completion_seconds": "From a request to the end of its texts.",
        "lector_completions_total": "Completions by how they ended.",
        "lector_tokens_total":
            "Tokens of prompts that were read, that kept states had read, and that were written.",
        "lector_requests_waiting": "Requests that wait for others to end.",
        "lector_requests_open": "Requests whose prompts are read or whose texts are written.",
        "lector_steps_total": "Passes over the weights.",
        "lector_states_in_memory": "Kept states of prompts.",
        "lector_states_in_memory_bytes": "Their size.",
        "process_resident_memory_bytes": "Memory of the process.",
    ])

    func responded(path: String, method: String, status: Int, after elapsed: Duration) {
        Counter(
            label: "lector_http_requests_total",
            dimensions: [("path", path), ("method", method), ("status", String(status))], factory: prometheus
        ).increment()
        Timer(label: "lector_http_seconds", dimensions: [("path", path)], factory: prometheus)
            .record(duration: elapsed)
    }

    func firstToken(after elapsed: Duration) {
        Timer(label: "lector_first_token_seconds", dimensions: [], factory: prometheus)
            .record(duration: elapsed)
    }

    /// - Parameter outcome: `done`, `left`, or the code of an error.
    func completed(_ outcome: String, _ usage: TokenUsage?, after elapsed: Duration) {
        Counter(label: "lector_completions_total", dimensions: [("outcome", outcome)], factory: prometheus)
            .increment()
        Timer(label: "lector_completion_seconds", dimensions: [], factory: prometheus)
            .record(duration: elapsed)
        guard let usage else { return }
        for (kind, count) in [
            ("read", usage.read), ("cached", usage.cached), ("written", usage.completion),
        ] {
            Counter(label: "lector_tokens_total", dimensions: [("kind", kind)], factory: prometheus)
                .increment(by: count)
        }
    }

    /// The exposition, with what is true at this moment.
    func text(_ standing: Worker.Standing) -> String {
        for (label, value) in [
            ("lector_requests_waiting", standing.waiting), ("lector_requests_open", standing.open),
            ("lector_states_in_memory", standing.keptStates),
            ("lector_states_in_memory_bytes", standing.keptBytes),
            ("process_resident_memory_bytes", Self.residentBytes),
        ] {
            Recorder(label: label, dimensions: [], aggregate: false, factory: prometheus).record(value)
        }
        let steps = Counter(label: "lector_steps_total", dimensions: [], factory: prometheus)
        steps.reset()
        steps.increment(by: standing.steps)
        return prometheus.text
    }

    /// 0 where the system does not say.
    private static var residentBytes: Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var total = 0
        var resident = 0
        let count = withUnsafeMutablePointer(to: &total) { total in
            withUnsafeMutablePointer(to: &resident) { resident in
                withVaList([total, resident]) { vfscanf(file, "%ld %ld", $0) }
            }
        }
        return count == 2 ? resident * sysconf(Int32(_SC_PAGESIZE)) : 0
    }
}
