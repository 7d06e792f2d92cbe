import ArgumentParser
import Documents
import JSON
import Pipelines

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Settings and where they come from.",
        subcommands: [ConfigShowCommand.self])
}

struct ConfigShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Prints every setting; --origin tells where it was set.",
        discussion: """
            A flag goes before LECTOR_* in the environment, that before lector.yaml here, that
            before $XDG_CONFIG_HOME/lector/config.yaml, and that before the default.

            EXAMPLES
              lector config show --origin
              LECTOR_THREADS=1 lector config show --json
            """)

    @Flag(help: "Say where each value was set.")
    var origin = false

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        try CommandSupport.run {
            let settings = try Settings(environment: CommandSupport.environment)
            if json {
                let members = Settings.Key.allCases.map { key -> JSONMember in
                    let entry = settings.entry(key, flag: nil)
                    let value = JSONValue.optional(entry?.value)
                    return JSONMember(
                        key.rawValue,
                        origin
                            ? .object([
                                JSONMember("value", value),
                                JSONMember("origin", .string(entry?.origin ?? "default")),
                            ]) : value)
                }
                try CommandSupport.print(JSONValue.object(members).text + "\n")
                return 0
            }
            let width = Settings.Key.allCases.map(\.rawValue.count).max() ?? 0
            for key in Settings.Key.allCases {
                let entry = settings.entry(key, flag: nil)
                var line = key.rawValue + String(repeating: " ", count: width + 2 - key.rawValue.count)
                line += entry.map { CommandSupport.clean($0.value) } ?? "(\(key.fallback))"
                if origin { line += "   \(CommandSupport.clean(entry?.origin ?? "default"))" }
                try CommandSupport.print(line + "\n")
            }
            return 0
        }
    }
}
