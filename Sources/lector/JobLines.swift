import Documents
import Glibc
import JSON
import Pipelines

/// Jobs from standard input, one JSON object a line, each answered by a line: `lector work --stdio`.
///
/// What an engine's driver keeps in its worker, so that weights are loaded once. A job that fails is an answer like any
/// other; the process ends when the jobs do, on a signal, or when nobody reads the answers any more.
struct JobLines {
    private static let longest = 1 << 20
    private let worker: ShardWorker
    private let run: String?
    /// Where run folders of jobs are named from: each job changes to the folder of its plan.
    private let start: String
    /// Jobs; a run over standard input takes descriptor 0 for its own.
    private let descriptor: Int32

    init(_ worker: ShardWorker, run: String?) throws(PipelineError) {
        self.worker = worker
        self.run = run
        start = FileSystem.absolute(".")
        descriptor = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
        guard descriptor >= 0 else { throw .io("standard input is closed; jobs were expected there") }
        // A driver that has gone is told by an error, not by a signal that ends a shard's work in the middle.
        signal(SIGPIPE, SIG_IGN)
    }

    /// - Returns: The exit status: 0 at the end of the jobs.
    func serve() throws -> Int32 {
        var buffer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 12)
        while true {
            while let end = buffer.firstIndex(of: 0x0A) {
                let line = Array(buffer[..<end])
                buffer.removeFirst(end + 1)
                if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { continue }
                let text = answer(line).text + "\n"
                do throws(PipelineError) { try CommandSupport.print(text) } catch {
                    if Self.isUnread { return 75 }
                    throw error
                }
            }
            if let signal = StopSignal.received { return StopSignal.exitStatus(signal) }
            guard buffer.count < Self.longest else {
                throw PipelineError.data(
                    "a job of more than \(Self.longest) bytes; one JSON object a line was expected")
            }
            // poll returns when a signal comes; read would go on waiting.
            var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            if poll(&wait, 1, 1000) <= 0 {
                if Self.isUnread { return 75 }
                continue
            }
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else {
                guard !buffer.isEmpty else { return 0 }
                buffer.append(0x0A)  // the last line may lack its end
                continue
            }
            buffer += chunk[..<count]
        }
    }

    /// Whether standard output is a pipe whose reader has gone.
    private static var isUnread: Bool {
        var output = pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)
        return poll(&output, 1, 0) > 0 && output.revents & Int16(POLLERR) != 0
    }

    private func answer(_ line: [UInt8]) -> JSONValue {
        var members: [JSONMember] = []
        func ended(_ status: Int32, _ error: String? = nil) -> JSONValue {
            members.insert(
                JSONMember("exit", .integer(Int(status))),
                at: members.firstIndex { $0.name == "rows" } ?? members.count)
            if let error { members.append(JSONMember("error", .string(error))) }
            return .object(members)
        }
        do {
            guard let job = try? JSONValue(parsing: line), let shard = job["shard"]?.integer,
                let name = job["run"]?.string ?? run
            else {
                throw PipelineError.usage("not a job; {\"run\": \"FOLDER\", \"shard\": 0} was expected")
            }
            members = [JSONMember("run", .string(name)), JSONMember("shard", .integer(shard))]
            guard chdir(start) == 0 else { throw PipelineError.io("cannot go back to \(start)") }
            let folder = try enterPlannedRun(name, stateDir: worker.options.stateDir)
            let work = try worker.work(on: folder)
            try ShardWorker.check(shard, work)
            work.onBeat = { if Self.isUnread { StopSignal.request(SIGTERM) } }
            let ending = try work.run(
                shard, takesOver: job["takeOver"]?.bool ?? false, silence: worker.deadAfter, waits: true)
            switch ending {
            case .finished:
                let done = ShardFolder(run: folder, number: shard).done?.json
                for name in ["rows", "notOK", "tokens", "readAgain", "seconds"] {
                    if let value = done?[name] { members.append(JSONMember(name, value)) }
                }
                return ended(done?["notOK"]?.integer ?? 0 > 0 ? 1 : 0)
            case .stopped(let signal): return ended(StopSignal.exitStatus(signal), "stopped by a signal")
            case .busy(let text): return ended(75, text)
            }
        } catch let error as PipelineError {
            return ended(error.exitStatus, error.description)
        } catch {
            return ended(ModelSupport.exitStatus(of: error) ?? 70, "\(error)")
        }
    }
}
