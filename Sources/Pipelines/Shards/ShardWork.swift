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
    /// Called about once a second while a shard is worked on.
    package var onBeat: () -> Void = {}
    private let folder: RunFolder
    private let request: RunRequest
    private let configuration: RunConfiguration
    private let model: LoadedModel
    private let progress: ProgressMeter

    /// - Throws: `.configuration` when model, tokenizer, CPU class or inputs are not those of the plan.
    package init(
        _ folder: RunFolder, passwords: [String] = [], model: LoadedModel, progress: ProgressMeter
    ) throws(PipelineError) {
        guard folder.isPlanned else {
            throw .usage(
                "\(TerminalText.sanitized(folder.path)) is not a planned run; `lector plan` makes one, and "
                    + "`lector resume` goes on with others")
        }
        self.folder = folder
        self.model = model
        self.progress = progress
        request = try RunRequest(resuming: folder, passwords: passwords)
        plan = try ShardPlan(path: folder.planPath)
        configuration = ClassificationRun.configuration(request, model: model)
        let manifest = try RunManifest(path: folder.manifestPath)
        let spool = request.inputs.includesStandardInput ? folder.standardInputPath : nil
        let inventory = try InputInventory(paths: request.inputs.paths, spool: spool)
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
    /// - Parameters:
    ///   - takesOver: Do not wait for a worker that seems dead.
    ///   - silence: Seconds without a heartbeat after which a worker on another machine counts as dead.
    ///   - waits: Watch a worker on another machine for so long, instead of leaving the shard to it at once.
    package func run(_ number: Int, takesOver: Bool = false, silence: Double = 60, waits: Bool = false) throws
        -> Ending
    {
        let shard = ShardFolder(run: folder, number: number)
        if shard.done != nil { return .finished }
        switch try ShardLease.claim(shard, takesOver: takesOver, silence: silence, waits: waits) {
        // Someone may have finished it between the look and the lock.
        case .busy(let text): return shard.done == nil ? .busy(text) : .finished
        case .stopped(let signal): return .stopped(signal)
        case .mine(let lease): return shard.done == nil ? try work(shard, lease) : .finished
        }
    }

    private func work(_ shard: ShardFolder, _ lease: ShardLease) throws -> Ending {
        let worker = lease.worker
        let rows = plan.shards[shard.number].rows
        let started = Clock.seconds
        let store = try RowStore(
            worker, labels: configuration.labels.names, live: nil,
            remembersItems: configuration.reading.usesPasswords)
        let states = try SavedStates(folder: worker.statesPath, model: model, finished: store.finished)
        var counter = try WorkCounter(path: worker.workPath)
        let again = try counter.settle(kept: store.work + states.tokens)
        let loop = try ClassificationLoop(
            configuration: configuration, head: request.head, model: model, store: store, states: states,
            counter: counter,
            readAgain: again,
            interval: request.output.checkpointTokens, sample: nil, rows: rows, progress: progress)
        let lost = counter.lost - again
        func marker() -> [UInt8] {
            json(lease.token, store, loop, readAgain: lost + loop.readAgain, seconds: Clock.seconds - started)
                .bytes
        }
        var lastBeat = 0.0
        func beat(force: Bool = false) throws {
            guard force || Clock.seconds - lastBeat >= 1 else { return }
            lastBeat = Clock.seconds
            guard lease.isValid else {
                throw PipelineError.busy(
                    "shard \(shard.number) was taken over by another worker; this one stops")
            }
            onBeat()
            try AtomicFile.write(marker(), to: shard.heartbeatPath(lease.token))
        }
        try beat(force: true)
        loop.heartbeat = { try beat() }
        progress.counts = ProgressMeter.Counts()
        progress.counts.totalDocuments = rows.count
        progress.counts.totalTextBytes = plan.shards[shard.number].textBytes
        do {
            let (stream, first) = open(shard.number)
            guard try loop.run(stream, first: first) else {
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
        // Under a name of its own first, since one that was given up may be doing the same.
        let mine = "\(shard.donePath)-\(lease.token)"
        try AtomicFile.write(marker(), to: mine)
        guard rename(mine, shard.donePath) == 0 else { throw FileSystem.error("write", shard.donePath) }
        FileSystem.syncFolder(shard.path)
        SavedStates.removeFolder(worker.statesPath)
        return .finished
    }

    /// The documents from the shard's start, or from the input's, and the first one's row.
    private func open(_ number: Int) -> (DocumentStream, first: Int) {
        if request.inputs.includesStandardInput { StandardInput.rewind() }
        if let start = plan.shards[number].start {
            if let stream = request.inputs.documents(at: start.place) {
                return (stream, start.row)
            }
            progress.say(
                "shard \(number) does not begin where the plan says; the input is read from its start")
            if request.inputs.includesStandardInput { StandardInput.rewind() }
        }
        return (request.inputs.documents(), 0)
    }

    private func json(
        _ token: Int, _ store: RowStore, _ loop: ClassificationLoop, readAgain: Int, seconds: Double
    ) -> JSONValue {
        .object([
            JSONMember("token", .integer(token)), JSONMember("rows", .integer(store.finished.count)),
            JSONMember("tokens", .integer(loop.processTokens)),
            // Of all workers of this shard.
            JSONMember("readAgain", .integer(readAgain)),
            JSONMember("notOK", .integer(store.summary.partial + store.summary.notRead)),
            JSONMember("seconds", .decimal(seconds, places: 3)),
            JSONMember("host", .string(HostName.current)), JSONMember("process", .integer(Int(getpid()))),
            JSONMember("time", .integer(time(nil))),
        ])
    }
}
