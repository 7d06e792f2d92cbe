import ArgumentParser
import Pipelines

struct PipelineCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pipeline",
        abstract: "Pipeline files.",
        subcommands: [PipelineCheckCommand.self])
}

struct PipelineCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Checks pipeline files; a mistake is named with its line.",
        discussion: """
            EXAMPLES
              lector pipeline check Pipelines/triage-mailbox.yaml

            EXIT STATUS
              0 every file is sound; 78 one is not; 74 one cannot be read
            """)

    @Argument(help: "Pipeline files (YAML).")
    var files: [String]

    func run() throws {
        try CommandSupport.run {
            var status: Int32 = 0
            for file in files {
                do throws(PipelineError) {
                    let pipeline = try PipelineFile(path: file)
                    try CommandSupport.print(
                        "\(CommandSupport.clean(file)): sound, \(pipeline.words)\n")
                } catch {
                    CommandSupport.complain(error.description)
                    status = max(status, error.exitStatus)
                }
            }
            return status
        }
    }
}
