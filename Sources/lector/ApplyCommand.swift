import ArgumentParser
import Pipelines

struct ApplyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Acts on the labels of a run, on copies; the input is never changed.",
        discussion: """
            RUN is a finished run of `lector classify`, by folder or name. The input must still be what the
            run labelled; otherwise nothing is written.
              mbox-per-label   one mailbox a label
              maildir          one Maildir a label
              x-header         copies in which each mail has X-Lector-Label and X-Lector-Probability
            Mails without a label go to _abstained and _not-read. A mail with several (classify --multi) is copied
            to each, or has a line for each in its header; one to which none applies goes to _none.

            EXAMPLES
              lector apply inbox.mbox-3f2a9c1b8d04 --to mbox-per-label -o sorted
              lector apply ./my-run --to x-header -o marked

            EXIT STATUS
              0 every row was acted on; 1 some are no mail in a plain file; 64 usage; 65 the input changed;
              74 I/O; 78 the run is not finished
            """)

    @Argument(help: "Folder or name of the run.")
    var name: String

    @Option(help: "mbox-per-label, maildir or x-header.")
    var to: String

    @Option(name: .short, help: ArgumentHelp("Folder to write; must not hold anything.", valueName: "folder"))
    var output: String

    @Flag(help: "Print the counts as JSON.")
    var json = false

    @Option(help: ArgumentHelp("Where runs lie.", valueName: "folder"))
    var stateDir: String?

    @OptionGroup(title: "Passwords of a run that was begun with some")
    var passwords: PasswordOptions

    func validate() throws {
        guard ApplyTarget(rawValue: to) != nil else {
            throw ValidationError(
                "--to \(CommandSupport.clean(to)): "
                    + ApplyTarget.allCases.map(\.rawValue).joined(separator: ", ") + " was expected")
        }
    }

    func run() throws {
        try CommandSupport.run {
            let environment = CommandSupport.environment
            let settings = try Settings(environment: environment)
            let folder = try RunFolder.find(
                name,
                stateFolder: RunFolder.stateFolder(
                    settings.text(.stateDir, flag: stateDir), environment: environment))
            let summary = try ApplyRun(
                folder, to: ApplyTarget(rawValue: to)!, output: output,
                passwords: try passwords.all()
            ).run()
            if json {
                try CommandSupport.print(summary.json.text + "\n")
            } else {
                CommandSupport.complain("\(summary.written) mails written to \(CommandSupport.clean(output))")
            }
            for line in summary.leftOut { CommandSupport.complain("left out: \(line)") }
            if summary.leftOutCount > summary.leftOut.count {
                CommandSupport.complain("left out: \(summary.leftOutCount - summary.leftOut.count) more")
            }
            return summary.exitStatus
        }
    }
}
