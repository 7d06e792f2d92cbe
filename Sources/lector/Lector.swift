import ArgumentParser

/// The command line: one file per verb, each a thin layer of flags over the library.
@main
struct LectorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lector",
        abstract: "Reads what is too long for other readers: mailboxes, archives, books, logs.",
        subcommands: [DocumentsCommand.self])
}
