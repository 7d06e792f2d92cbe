import ArgumentParser
import Ingest

/// The command line: one file per verb, each a thin layer of flags over the library.
@main
struct LectorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lector",
        abstract: "Reads what is too long for other readers: mailboxes, archives, books, logs.",
        version: "0.1.0",
        subcommands: [
            ClassifyCommand.self,
            ExtractCommand.self,
            SummarizeCommand.self,
            RunCommand.self,
            ResumeCommand.self,
            ReadCommand.self,
            AskCommand.self,
            ChatCommand.self,
            BatchCommand.self,
            ServeCommand.self,
            StatesCommand.self,
            PlanCommand.self,
            WorkCommand.self,
            MergeCommand.self,
            StatusCommand.self,
            SlurmCommand.self,
            ApplyCommand.self,
            DocumentsCommand.self,
            TokensCommand.self,
            PipelineCommand.self,
            TrainHeadCommand.self,
            RefineCommand.self,
            EvalCommand.self,
            ModelCommand.self,
            DoctorCommand.self,
            BenchCommand.self,
            ConfigCommand.self,
            CompletionCommand.self,
        ])

    /// The one argument of a process that reads for another.
    private static let readerArgument = "reader-process"

    static func main() {
        if CommandLine.arguments.dropFirst() == [readerArgument] { ReaderWorker.run() }
        ReaderProcess.program = ["/proc/self/exe", readerArgument]
        main(nil)
    }

    func run() throws { try CommandSupport.run { try Welcome.show() } }
}
