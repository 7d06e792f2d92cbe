import Completions
import Digests
import Documents
import Glibc
import Inference
import JSON

/// A file of requests, answered: a row out for every row in.
///
/// Rows go to a journal under the state folder as they are ready, named by everything that decides them; the
/// same command goes on where a killed one stopped. The result is written from it at the end, with
/// the bytes of a run that nobody disturbed.
package final class BatchRun {
    package struct Summary: Sendable, Equatable {
        package var requests = 0
        /// Rows whose status is not 200.
        package var failed = 0
        /// Rows that an earlier process had made.
        package var resumed = 0
        /// Of this process.
        package var usage = TokenUsage()
        package var seconds = 0.0
        package var stopped: Int32?

        package var exitStatus: Int32 {
            stopped.map { StopSignal.exitStatus($0) } ?? (failed == 0 ? 0 : 1)
        }

        package var json: JSONValue {
            .object([
                JSONMember("requests", .integer(requests)), JSONMember("failed", .integer(failed)),
                JSONMember("resumed", .integer(resumed)), JSONMember("tokens_read", .integer(usage.read)),
                JSONMember("tokens_cached", .integer(usage.cached)),
                JSONMember("tokens_written", .integer(usage.completion)),
                JSONMember("seconds", .decimal(seconds, places: 3)),
            ])
        }
    }

    private let path: String
    private let created: Int
    private let model: LoadedModel
    private let engine: CompletionEngine
    private let journalPath: String
    private let progress: ProgressMeter
    private var journal: Journal
    private var places: [Int: Journal.Place] = [:]
    private let lock: Int32
    private var summary = Summary()
    /// What an append threw inside a callback.
    private var failure: PipelineError?

    /// - Throws: `.io` when the requests cannot be read, `.busy` when another process answers them.
    package init(
        requests path: String, stateFolder: String, model: LoadedModel, options: CompletionEngine.Options,
        progress: ProgressMeter
    ) throws(PipelineError) {
        self.path = path
        self.model = model
        self.progress = progress
        engine = CompletionEngine(model: model, options: options)
        var info = stat()
        guard stat(path, &info) == 0 else { throw FileSystem.error("read", path) }
        created = info.st_mtim.tv_sec

        var hash = SHA256()
        hash.update(
            "batch 1\n\(model.engine.fingerprint)\n\(model.engine.numericsClass)\n\(model.tokenizer.fingerprint)\n\(options.defaultTokens)\n\(created)\n"
                .utf8)
        var reader = try LineReader(path)
        while let line = try reader.next() {
            hash.update(line.bytes)
            hash.update([0x0A])
        }
        let folder = stateFolder + "/batches"
        try FileSystem.makeFolder(folder)
        journalPath = "\(folder)/\(hash.finalize().hex.prefix(32)).journal"
        lock = open(journalPath + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw FileSystem.error("open", journalPath) }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            close(lock)
            throw .busy("another lector answers the same requests; wait for it, or stop it")
        }
        var places: [Int: Journal.Place] = [:]
        journal = try Journal(journalPath) { record, place in places[record.index] = place }
        self.places = places
    }

    deinit { close(lock) }

    /// Answers what has no answer yet.
    package func run() throws(PipelineError) -> Summary {
        let start = Clock.seconds
        summary.resumed = places.count
        var reader = try LineReader(path)
        var place = -1
        var outstanding = 0
        var isAtEnd = false
        while summary.stopped == nil {
            while !isAtEnd, outstanding < 2 * engine.options.maximumOpen {
                guard let line = try reader.next() else {
                    isAtEnd = true
                    break
                }
                if line.bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
                place += 1
                if places[place] != nil { continue }
                submit(BatchRow(line: line.bytes, place: place), place, &outstanding)
            }
            if let failure { throw failure }
            if outstanding == 0, isAtEnd { break }
            if StopSignal.received != nil { summary.stopped = StopSignal.received }
            engine.step()
            if let failure { throw failure }
            outstanding = engine.openCount + engine.waitingCount
            try journal.sync()
            progress.counts.documents = places.count
            progress.counts.tokens = summary.usage.read + summary.usage.completion
            progress.tick()
        }
        summary.requests = summary.stopped == nil ? place + 1 : places.count
        summary.seconds = Clock.seconds - start
        return summary
    }

    private func submit(_ row: BatchRow, _ place: Int, _ outstanding: inout Int) {
        let prepared: PreparedRequest
        do throws(APIError) {
            prepared = try PreparedRequest(
                try row.request.get(), model: model, context: engine.context)
        } catch {
            keep(row.answer(error), place, work: 0)
            return
        }
        outstanding += 1
        var response = CompletionResponse(
            prepared.request, name: String(row.id.dropFirst("batch_req_".count)), created: created,
            model: prepared.request.model ?? model.name, fingerprint: model.engine.fingerprint)
        engine.submit(prepared) { [self] event in
            response.add(event)
            switch event {
            case .done(let usage, _):
                summary.usage.prompt += usage.prompt
                summary.usage.cached += usage.cached
                summary.usage.completion += usage.completion
                keep(
                    row.answer(status: 200, body: response.json(tellsCached: false)), place,
                    work: usage.read + usage.completion)
            case .failed(let error): keep(row.answer(error), place, work: 0)
            case .begun, .progress, .text, .finished: break
            }
        }
    }

    private func keep(_ row: JSONValue, _ place: Int, work: Int) {
        guard failure == nil else { return }
        do throws(PipelineError) {
            places[place] = try journal.append(
                Journal.Record(
                    index: place, key: nil, contentDigest: row["id"]?.string ?? "", work: work, source: nil,
                    row: row))
        } catch { failure = error }
    }

    /// Hands out every row, in the order of the requests, or in that in which they were answered.
    package func rows(unordered: Bool, _ body: (JSONValue) throws(PipelineError) -> Void)
        throws(PipelineError)
    {
        let order = places.sorted { unordered ? $0.value.offset < $1.value.offset : $0.key < $1.key }
        for (_, place) in order { try body(try journal.record(at: place).row) }
    }

    /// Rows that are not 200, counted in the journal.
    package func countFailures() throws(PipelineError) -> Int {
        var count = 0
        try rows(unordered: true) { row throws(PipelineError) in
            if row["response"]?["status_code"]?.integer != 200 { count += 1 }
        }
        return count
    }

    /// Forgets the journal: the result holds everything.
    package func finish() {
        unlink(journalPath)
        unlink(journalPath + ".lock")
    }
}
