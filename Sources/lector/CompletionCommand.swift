import ArgumentParser

struct CompletionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion",
        abstract: "Prints the completion script of a shell.",
        discussion: """
            EXAMPLES
              lector completion bash > ~/.local/share/bash-completion/completions/lector
              lector completion zsh > "${fpath[1]}/_lector"
              lector completion fish > ~/.config/fish/completions/lector.fish
            """)

    @Argument(help: "bash, zsh or fish.")
    var shell: String

    func run() throws {
        guard ["bash", "zsh", "fish"].contains(shell) else {
            throw ValidationError(
                "there is no completion for \(CommandSupport.clean(shell)); bash, zsh or fish")
        }
        try CommandSupport.run {
            try CommandSupport.print(
                LectorCommand.completionScript(for: CompletionShell(rawValue: shell)!) + "\n")
            return 0
        }
    }
}
