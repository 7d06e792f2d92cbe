import ArgumentParser
import Documents
import Glibc
import Pipelines

struct ResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Goes on with a run where it stopped.",
        discussion: """
            RUN is the folder of a run, its name under the state folder, or the beginning of that name.
            What has a row is not read again; a long document goes on from its saved state. The result
            has the same bytes as that of a run that was never stopped. How inputs are read is part of the run;
            passwords are kept nowhere, and a run that was begun with some needs them again.

            EXAMPLES
              lector resume inbox.mbox-3f2a9c1b8d04
              lector resume ./my-run
              lector resume ./my-run --password-file ~/.zip-password

            EXIT STATUS
              as `lector classify`; 78 when the input or the model is not what it was
            """)

    @Argument(help: "Folder or name of the run.")
    var name: String

    @OptionGroup(title: "Run")
    var options: ResumeOptions

    func run() throws {
        try CommandSupport.run {
            var all = RunOptions.parseOrExit([])
            options.fill(&all)
            let settings = try all.settings()
            let folder = try RunFolder.find(name, stateFolder: all.stateFolder(settings))
            let path = FileSystem.absolute(folder.path)
            guard !folder.isPlanned || folder.isFinished else {
                throw PipelineError.usage(
                    "\(CommandSupport.clean(name)) is cut into shards; `lector work` goes on with it")
            }
            var request = try RunRequest(resuming: folder, passwords: try options.passwords.all())
            if options.threads != nil { request.output.threads = options.threads }
            let manifest = try RunManifest(path: folder.manifestPath)
            guard chdir(manifest.workingFolder) == 0 else {
                throw PipelineError.io(
                    "the run was begun in \(CommandSupport.clean(manifest.workingFolder)), which cannot be entered: "
                        + String(cString: strerror(errno)))
            }
            return try all.execute(request, run: path)
        }
    }
}

/// What may be given anew when a run goes on.
struct ResumeOptions: ParsableArguments {
    @Option(help: "Threads; without it one a core.")
    var threads: Int?

    @Option(help: ArgumentHelp("Where runs and states lie.", valueName: "folder"))
    var stateDir: String?

    @Option(help: "auto, bar, json or none.")
    var progress: String?

    @Flag(name: .shortAndLong, help: "Say nothing but errors.")
    var quiet = false

    @Flag(name: .shortAndLong, help: "Say more.")
    var verbose = false

    @OptionGroup var passwords: PasswordOptions

    func fill(_ options: inout RunOptions) {
        options.stateDir = stateDir
        options.progress = progress
        options.quiet = quiet
        options.verbose = verbose
    }
}
