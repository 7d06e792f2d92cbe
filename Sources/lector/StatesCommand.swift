import ArgumentParser
import Checkpoints
import Documents
import Glibc
import JSON
import Pipelines

struct StatesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "states",
        abstract: "Shows, checks, keeps, moves and removes saved states.",
        discussion: """
            A STATE is a key, the beginning of one (four digits at least), or the title under which it was read.

            EXAMPLES
              lector states list
              lector states verify
              lector states pin 3f2a9c1b
              lector states gc --budget 2G --dry-run
              lector states export 3f2a9c1b book.state && lector states import book.state --state-dir elsewhere
            """,
        subcommands: [
            List.self, Show.self, Verify.self, Pin.self, GC.self, Export.self, Import.self,
        ])

    struct Place: ParsableArguments {
        @Option(help: ArgumentHelp("Where runs and states lie.", valueName: "folder"))
        var stateDir: String?

        @Flag(help: "Print JSON.")
        var json = false

        /// - Throws: `.io` when there is no such folder; a list makes none.
        func store() throws(PipelineError) -> CheckpointStore {
            let settings = try Settings(environment: CommandSupport.environment)
            let folder =
                RunFolder.stateFolder(
                    settings.text(.stateDir, flag: stateDir), environment: CommandSupport.environment)
                + "/states"
            do { return try CheckpointStore(folder: folder) } catch { throw .io(error.description) }
        }

        func print(_ row: JSONValue, _ words: String) throws {
            try CommandSupport.print((json ? row.text : words) + "\n")
        }
    }

    static func short(_ key: CheckpointKey) -> String { String(key.description.prefix(12)) }

    /// Seconds since 1970 as a local time.
    static func time(_ seconds: Double) -> String {
        var clock = time_t(seconds)
        var parts = tm()
        localtime_r(&clock, &parts)
        var text = [CChar](repeating: 0, count: 32)
        strftime(&text, 32, "%Y-%m-%d %H:%M", &parts)
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func row(_ entry: CheckpointStore.Entry) -> [JSONMember] {
        let state = entry.summary
        return [
            JSONMember("state", .string(state.key.description)),
            JSONMember("kind", .string(state.kind.rawValue)),
            JSONMember("title", .string(state.title)), JSONMember("tokens", .integer(state.tokenCount)),
            JSONMember("bytes", .integer(entry.bytes)), JSONMember("stateBytes", .integer(state.stateBytes)),
            JSONMember("lastUse", .decimal(entry.lastUse, places: 3)),
            JSONMember("pinned", .bool(entry.isPinned)),
        ]
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists states, the last used at the end.")
        @OptionGroup var place: Place
        @Flag(help: "Also kept answers.") var answers = false

        func run() throws {
            try CommandSupport.run {
                let catalog = try StatesCommand.catalog(try place.store())
                for entry in catalog.entries where answers || entry.summary.kind != .answer {
                    let state = entry.summary
                    let size = Pipelines.ByteCount.text(entry.bytes)
                    try place.print(
                        .object(StatesCommand.row(entry)),
                        "\(StatesCommand.short(state.key))  \(StatesCommand.time(entry.lastUse))  "
                            + "\(StatesCommand.padded("\(state.tokenCount)", 11)) tokens  "
                            + "\(StatesCommand.padded(size, 10))  \(state.kind.rawValue)\(entry.isPinned ? ", pinned" : "")  "
                            + CommandSupport.clean(state.title))
                }
                for (name, error) in catalog.unreadable {
                    CommandSupport.complain("\(CommandSupport.clean(name)): \(error)")
                }
                if !place.json {
                    let kept = catalog.entries.count { $0.summary.kind == .answer }
                    var line =
                        "\(catalog.entries.count - kept) states, \(kept) answers, \(Pipelines.ByteCount.text(catalog.bytes))"
                    if !catalog.damaged.isEmpty {
                        line += ", \(catalog.damaged.count) damaged files set aside"
                    }
                    CommandSupport.complain(line)
                }
                return catalog.unreadable.isEmpty ? 0 : 1
            }
        }
    }

    static func padded(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    static func catalog(_ store: CheckpointStore) throws(PipelineError) -> CheckpointStore.Catalog {
        do { return try store.catalog() } catch { throw .io(error.description) }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "What a state is: model, tokens, sections.")
        @Argument(help: "Key, its beginning, or title.") var state: String
        @OptionGroup var place: Place

        func run() throws {
            try CommandSupport.run {
                let store = try place.store()
                let found = try StateLookup(store).find(state)
                let entries = try StatesCommand.catalog(store).entries
                guard let entry = entries.first(where: { $0.summary.key == found.key }) else { return 65 }
                let sections = found.sections.map { section in
                    JSONValue.object([
                        JSONMember("name", .string(section.name)), JSONMember("type", .string(section.type)),
                        JSONMember("bytes", .integer(section.byteCount)),
                    ])
                }
                let row = JSONValue.object(
                    StatesCommand.row(entry) + [
                        JSONMember("path", .string(store.path(of: found.key))),
                        JSONMember("format", .integer(found.formatVersion)),
                        JSONMember("modelFingerprint", .string(found.identity.modelFingerprint)),
                        JSONMember("tokenizerFingerprint", .string(found.identity.tokenizerFingerprint)),
                        JSONMember("numericsClass", .string(found.identity.numericsClass)),
                        JSONMember("sections", .array(sections)),
                    ])
                if place.json {
                    try CommandSupport.print(row.text + "\n")
                } else {
                    for member in row.members ?? [] where member.name != "sections" {
                        let value = member.value.string ?? member.value.text
                        try CommandSupport.print("\(member.name): \(CommandSupport.clean(value))\n")
                    }
                    for section in found.sections {
                        try CommandSupport.print(
                            "\(StatesCommand.padded("\(section.byteCount)", 12))  \(section.name)  \(section.type)\n"
                        )
                    }
                }
                return 0
            }
        }
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Checks every byte of states; a damaged one is set aside and named.")
        @Argument(help: "Keys or titles; without any, all states.") var states: [String] = []
        @OptionGroup var place: Place

        func run() throws {
            try CommandSupport.run {
                let store = try place.store()
                let lookup = StateLookup(store)
                let catalog = try StatesCommand.catalog(store)
                var keys = catalog.entries.map(\.summary.key)
                if !states.isEmpty { keys = try states.map { try lookup.find($0).key } }
                var damaged = states.isEmpty ? catalog.unreadable.count : 0
                if states.isEmpty {
                    for (name, error) in catalog.unreadable {
                        CommandSupport.complain("\(CommandSupport.clean(name)): \(error)")
                    }
                }
                for key in keys {
                    do throws(CheckpointError) { try store.verify(key) } catch {
                        damaged += 1
                        CommandSupport.complain(CommandSupport.clean(error.description))
                    }
                }
                try place.print(
                    .object([
                        JSONMember("checked", .integer(keys.count)), JSONMember("damaged", .integer(damaged)),
                    ]), "\(keys.count) states checked, \(damaged) damaged")
                return damaged == 0 ? 0 : 65
            }
        }
    }

    struct Pin: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Keeps a state whatever the budget; --off ends it.")
        @Argument(help: "Key, its beginning, or title.") var state: String
        @Flag(help: "Pin no longer.") var off = false
        @OptionGroup var place: Place

        func run() throws {
            try CommandSupport.run {
                let store = try place.store()
                let key = try StateLookup(store).find(state).key
                do throws(CheckpointError) { try store.pin(key, !off) } catch {
                    throw PipelineError.io(error.description)
                }
                try place.print(
                    .object([
                        JSONMember("state", .string(key.description)), JSONMember("pinned", .bool(!off)),
                    ]), "\(StatesCommand.short(key)) is \(off ? "no longer " : "")pinned")
                return 0
            }
        }
    }

    struct GC: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "gc",
            abstract: "Removes the longest unused states over a budget; never pinned ones or those in use.")
        @Option(help: "What is kept at most.") var budget = ByteCount(16 << 30)
        @Flag(help: "Only say what would go.") var dryRun = false
        @Flag(help: "Also files that were set aside as damaged.") var damaged = false
        @Flag(help: "Overwrite before removing; a flash disk or a snapshot may keep the bytes all the same.")
        var secure = false
        @OptionGroup var place: Place

        func run() throws {
            try CommandSupport.run {
                let store = try place.store()
                let result: CheckpointStore.Collection
                do throws(CheckpointError) {
                    result = try store.collect(
                        budgetBytes: budget.bytes, isSecure: secure, removesDamaged: damaged, isDryRun: dryRun
                    )
                } catch { throw PipelineError.io(error.description) }
                if !place.json {
                    for entry in result.removed {
                        try CommandSupport.print(
                            "\(StatesCommand.short(entry.summary.key))  \(CommandSupport.clean(entry.summary.title))\n"
                        )
                    }
                }
                try place.print(
                    .object([
                        JSONMember("removed", .integer(result.removed.count)),
                        JSONMember("removedBlocks", .integer(result.removedBlocks)),
                        JSONMember("removedDamaged", .integer(result.removedDamaged)),
                        JSONMember("freedBytes", .integer(result.freedBytes)),
                        JSONMember("keptBytes", .integer(result.keptBytes)),
                        JSONMember("dryRun", .bool(dryRun)),
                    ]),
                    "\(result.removed.count) states\(dryRun ? " would be" : "") removed, "
                        + "\(Pipelines.ByteCount.text(result.freedBytes)) freed, \(Pipelines.ByteCount.text(result.keptBytes)) kept"
                )
                return 0
            }
        }
    }

    struct Export: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Writes a state as one file, to be imported elsewhere.")
        @Argument(help: "Key, its beginning, or title.") var state: String
        @Argument(help: "The file to write.") var file: String
        @OptionGroup var place: Place

        func run() throws {
            try CommandSupport.run {
                let store = try place.store()
                let key = try StateLookup(store).find(state).key
                let bytes: Int
                do throws(CheckpointError) { bytes = try store.export(key, to: file) } catch {
                    throw PipelineError.io(error.description)
                }
                try place.print(
                    .object([
                        JSONMember("state", .string(key.description)), JSONMember("file", .string(file)),
                        JSONMember("bytes", .integer(bytes)),
                    ]), "\(CommandSupport.clean(file)): \(Pipelines.ByteCount.text(bytes))")
                return 0
            }
        }
    }

    struct Import: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Takes exported states in.")
        @Argument(help: "Files that `states export` wrote.") var files: [String]
        @OptionGroup var place: Place

        func run() throws {
            try CommandSupport.run {
                let store = try place.store()
                for file in files {
                    let state: CheckpointSummary
                    do throws(CheckpointError) { state = try store.importing(file) } catch {
                        throw PipelineError.data(error.description)
                    }
                    try place.print(
                        .object([
                            JSONMember("state", .string(state.key.description)),
                            JSONMember("title", .string(state.title)),
                            JSONMember("tokens", .integer(state.tokenCount)),
                        ]), state.key.description)
                }
                return 0
            }
        }
    }
}
