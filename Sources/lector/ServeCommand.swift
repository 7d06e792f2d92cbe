import ArgumentParser
import Glibc
import Pipelines

/// Hands over to `lector-serve`, which lies beside this program: the packages of the network are not part of it.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Answers OpenAI's endpoints: chat and text completions, kept states, offline.",
        discussion: """
            Flags are those of lector-serve, a program of its own; `lector serve --help` prints them when it is there.
            It is built with

              swift build -c release --package-path Server --scratch-path .build
            """)

    @Argument(
        parsing: .captureForPassthrough, help: ArgumentHelp("Flags of lector-serve.", valueName: "flags"))
    var flags: [String] = []

    func run() throws {
        try CommandSupport.run {
            let program = try Self.program()
            let settings = try Settings(environment: CommandSupport.environment)
            var arguments = [program]
            // What the environment and configuration files say counts here as for every verb.
            for (flag, value) in [
                ("--model", settings.text(.model, flag: nil)),
                ("--threads", try settings.integer(.threads, flag: nil).map(String.init)),
                ("--state-dir", settings.text(.stateDir, flag: nil)),
            ] {
                guard let value, !flags.contains(where: { $0 == flag || $0.hasPrefix(flag + "=") }) else {
                    continue
                }
                arguments += [flag, value]
            }
            arguments += flags
            var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
            execv(program, &pointers)
            throw PipelineError.io("cannot start \(program): \(String(cString: strerror(errno)))")
        }
    }

    /// `lector-serve` in the folder of this program.
    private static func program() throws(PipelineError) -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let own =
            count > 0 ? String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : ""
        let program = FileSystem.parent(of: own) + "/lector-serve"
        guard access(program, X_OK) == 0 else {
            throw .configuration(
                "lector-serve is not beside lector. In the folder of the sources, build it with\n"
                    + "    swift build -c release --package-path Server --scratch-path .build")
        }
        return program
    }
}
