import Answers
import Documents
import Glibc
import Inference
import Ingest
import JSON

/// Works on shards of a planned run: as many processes as there are shards, on one machine or on many that share
/// the folder.
///
/// Idempotent: what is finished is not done again, and a long document goes on from the state that whoever
/// worked on it last has left in the folder.
package final class ShardWork {
    package enum Ending: Equatable {
        /// The shard is finished, now or before.
        case finished
        /// A signal asked to stop; what was read is safe.
        case stopped(Int32)
        /// Another process works on it, or has taken it over.
        case busy(String)
    }

    package let plan: ShardPlan
    private let folder: RunFolder
    private let request: RunRequest
    private let configuration: RunConfiguration
    private let model: LoadedModel
    private let progress: ProgressMeter

    /// - Throws: `.configuration` when model, tokenizer, CPU class or inputs are not those of the plan.
    package init(_ folder: RunFolder, model: LoadedModel, progress: ProgressMeter) throws(PipelineError) {
        guard folder.isPlanned else {
            throw .usage(
                "\(TerminalText.sanitized(folder.path)) is not a planned run; `lector plan` makes one, and "
                    + "`lector resume` goes on with others")
        }
        self.folder = folder
        self.model = model
        self.progress = progress
        request = try RunRequest(resuming: folder)
        plan = try ShardPlan(path: folder.planPath)
        configuration = ClassificationRun.configuration(request, model: model)
        let manifest = try RunManifest(path: folder.manifestPath)
        let spool = request.inputs.contains("-") ? folder.standardInputPath : nil
        let inventory = try InputInventory(paths: request.inputs, spool: spool)
        if let difference = configuration.difference(from: manifest.configuration)
            ?? inventory.difference(from: manifest.inventory)
        {
            throw .configuration(
                "\(TerminalText.sanitized(folder.path)) was planned for something else: \(difference)")
        }
        if spool != nil { try StandardInput.replace(with: folder.standardInputPath) }
    }

    /// Works on one shard until it is finished.
    ///
    /// - Parameter takesOver: Do not wait for a worker that seems dead to give up its lock.
    package func run(_ number: Int, takesOver: Bool = false) throws -> Ending {
        let shard = ShardFolder(run: folder, number: number)
        if shard.done != nil { return .finished }
        try FileSystem.makeFolder(shard.path)
        var token = shard.token
        var worker = shard.worker(token)
        do throws(PipelineError) { try worker.lock() } catch {
            guard case .busy = error, takesOver else {
                if case .busy(let text) = error { return .busy(text) }
                throw error
            }
            token += 1
            worker = shard.worker(token)
            try worker.lock()
            try inherit(from: shard.worker(token - 1), to: worker)
            try AtomicFile.write("\(token)\n".utf8, to: shard.tokenPath)
        }
        // Someone may have finished it between the look and the lock.
        if shard.done != nil { return .finished }
        return try work(shard, token, worker)
    }

    /// Whole rows and saved states of the worker before.
    private func inherit(from before: RunFolder, to worker: RunFolder) throws(PipelineError) {
        if FileSystem.exists(before.journalPath) {
            let journal = try AtomicFile(worker.journalPath)
            var lines = try LineReader(before.journalPath)
            while let line = try lines.next() {
                guard line.isWhole, Journal.decode(line.bytes) != nil else { continue }
                try journal.write(line.bytes + [0x0A])
            }
            try journal.commit()
        }
        guard FileSystem.isFolder(before.statesPath) else { return }
        try FileSystem.makeFolder(worker.statesPath)
        for name in try FileSystem.names(in: before.statesPath)
        where name.hasPrefix("row-") || name.hasSuffix(".state") || name.hasSuffix(".block") {
            // A state never changes, so that a second name is as good as a copy; where that cannot be, copy.
            let (old, new) = ("\(before.statesPath)/\(name)", "\(worker.statesPath)/\(name)")
            if name.hasPrefix("row-") || link(old, new) != 0 {
                guard let bytes = try? FileSystem.read(old, limit: 1 << 40) else { continue }
                try AtomicFile.write(bytes, to: new)
            }
        }
    }

    private func work(_ shard: ShardFolder, _ token: Int, _ worker: RunFolder) throws -> Ending {
        let rows = plan.shards[shard.number].rows
        let started = Clock.seconds
        let store = try RowStore(worker, labels: configuration.labels.names, live: nil)
        let states = try SavedStates(folder: worker.statesPath, model: model, finished: store.finished)
        var counter = try WorkCounter(path: worker.workPath)
        let again = try counter.settle(kept: store.work + states.tokens)
        let loop = try ClassificationLoop(
            configuration: configuration, head: request.head, model: model, store: store, states: states,
            counter: counter,
            readAgain: again,
            interval: request.output.checkpointTokens, sample: nil, rows: rows, progress: progress)
        var lastBeat = 0.0
        func beat(force: Bool = false) throws {
            guard force || Clock.seconds - lastBeat >= 1 else { return }
            lastBeat = Clock.seconds
            guard shard.token == token else {
                throw PipelineError.busy(
                    "shard \(shard.number) was taken over by another worker; this one stops")
            }
            try AtomicFile.write(
                json(token, store, loop, seconds: Clock.seconds - started).bytes,
                to: shard.heartbeatPath(token))
        }
        try beat(force: true)
        loop.heartbeat = { try beat() }
        progress.counts = ProgressMeter.Counts()
        progress.counts.totalDocuments = rows.count
        progress.counts.totalTextBytes = plan.shards[shard.number].textBytes
        do {
            if request.inputs.contains("-") { StandardInput.rewind() }
            guard try loop.run(DocumentStream(inputs: request.inputs)) else {
                try? beat(force: true)
                return .stopped(StopSignal.received ?? SIGINT)
            }
        } catch PipelineError.busy(let text) { return .busy(text) }
        progress.clear()
        try store.sync()
        guard store.finished.count == rows.count else {
            throw PipelineError.data(
                "shard \(shard.number) has \(store.finished.count) rows, \(rows.count) were planned: the input is not "
                    + "what it was; plan the run anew in another folder")
        }
        do { try beat(force: true) } catch PipelineError.busy(let text) { return .busy(text) }
        try AtomicFile.write(
            json(token, store, loop, seconds: Clock.seconds - started).bytes, to: shard.donePath)
        SavedStates.removeFolder(worker.statesPath)
        return .finished
    }

    private func json(_ token: Int, _ store: RowStore, _ loop: ClassificationLoop, seconds: Double)
        -> JSONValue
    {
        var host = [CChar](repeating: 0, count: 256)
        gethostname(&host, 255)
        let name = String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return .object([
            JSONMember("token", .integer(token)), JSONMember("rows", .integer(store.finished.count)),
            JSONMember("tokens", .integer(loop.processTokens)),
            JSONMember("readAgain", .integer(loop.readAgain)),
            JSONMember("notOK", .integer(store.summary.partial + store.summary.notRead)),
            JSONMember("seconds", .decimal(seconds, places: 3)),
            JSONMember("host", .string(name)), JSONMember("process", .integer(Int(getpid()))),
            JSONMember("time", .integer(time(nil))),
        ])
    }
}
