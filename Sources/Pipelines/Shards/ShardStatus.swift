import Glibc
import JSON

/// Where a planned run stands, seen from outside: markers, heartbeats and locks.
package struct ShardStatus {
    package enum State: String, Sendable {
        case waiting, working, stopped, done
    }

    package struct Shard {
        package var number: Int
        package var state: State
        package var rows: Int
        package var plannedRows: Int
        package var tokens: Int
        package var tokensPerSecond: Double
        package var notOK: Int
        /// Tokens that workers of this shard had to read again after a stop.
        package var readAgain: Int
        /// Seconds since the worker last said that it lives; nil when none did. Never negative, whatever the clocks.
        package var heartbeatAge: Double?
        package var host: String?
    }

    package var shards: [Shard]
    package var isMerged: Bool

    package init(_ folder: RunFolder) throws(PipelineError) {
        guard folder.isPlanned else {
            throw .usage("\(folder.path) is not a planned run; `lector plan` makes one")
        }
        let plan = try ShardPlan(path: folder.planPath)
        isMerged = folder.isFinished
        shards = []
        for (number, planned) in plan.shards.enumerated() {
            let shard = ShardFolder(run: folder, number: number)
            let token = shard.token
            let done = shard.done
            let beat =
                done?.json ?? (try? JSONValue(parsing: try FileSystem.read(shard.heartbeatPath(token))))
            var state = State.waiting
            if done != nil {
                state = .done
            } else if beat != nil {
                state =
                    Self.isAtWork(shard.worker(token).path + "/lock", beat?["time"]?.integer)
                    ? .working : .stopped
            }
            let seconds = beat?["seconds"]?.double ?? 0
            let tokens = beat?["tokens"]?.integer ?? 0
            shards.append(
                Shard(
                    number: number, state: state, rows: beat?["rows"]?.integer ?? 0,
                    plannedRows: planned.rows.count,
                    tokens: tokens, tokensPerSecond: seconds > 0 ? Double(tokens) / seconds : 0,
                    notOK: beat?["notOK"]?.integer ?? 0, readAgain: beat?["readAgain"]?.integer ?? 0,
                    heartbeatAge: beat?["time"]?.integer.map { Double(max(0, time(nil) - $0)) },
                    host: beat?["host"]?.string))
        }
    }

    /// By the lock where that proves something, elsewhere by the age of the last heartbeat: it is only for people.
    private static func isAtWork(_ path: String, _ beat: Int?) -> Bool {
        guard FileSystem.exists(path), let lock = try? FileLock(path) else { return false }
        if lock.isOfThisMachine || lock.isHeld { return lock.isHeld }
        return beat.map { time(nil) - $0 < 60 } ?? false
    }

    package var isDone: Bool { shards.allSatisfy { $0.state == .done } }
    package var rows: Int { shards.reduce(0) { $0 + $1.rows } }
    package var plannedRows: Int { shards.reduce(0) { $0 + $1.plannedRows } }

    /// Seconds to the end at the pace of those at work; nil when none has finished a row.
    package var secondsLeft: Double? {
        let working = shards.filter { $0.state == .working }
        let rate = working.reduce(0.0) { sum, shard in
            sum
                + (shard.rows > 0 && shard.tokens > 0
                    ? shard.tokensPerSecond * Double(shard.rows) / Double(shard.tokens) : 0)
        }
        return rate > 0 ? Double(plannedRows - rows) / rate : nil
    }

    package var json: JSONValue {
        .object([
            JSONMember("done", .bool(isDone)), JSONMember("merged", .bool(isMerged)),
            JSONMember("rows", .integer(rows)), JSONMember("plannedRows", .integer(plannedRows)),
            JSONMember("etaSeconds", secondsLeft.map { .decimal($0, places: 1) } ?? .null),
            JSONMember(
                "shards",
                .array(
                    shards.map { shard in
                        .object([
                            JSONMember("shard", .integer(shard.number)),
                            JSONMember("state", .string(shard.state.rawValue)),
                            JSONMember("rows", .integer(shard.rows)),
                            JSONMember("plannedRows", .integer(shard.plannedRows)),
                            JSONMember("tokens", .integer(shard.tokens)),
                            JSONMember("tokensPerSecond", .decimal(shard.tokensPerSecond, places: 1)),
                            JSONMember("notOK", .integer(shard.notOK)),
                            JSONMember("readAgain", .integer(shard.readAgain)),
                            JSONMember(
                                "heartbeatAge",
                                shard.heartbeatAge.map { .decimal($0, places: 0 + 1) } ?? .null),
                            JSONMember("host", .optional(shard.host)),
                        ])
                    })),
        ])
    }
}
