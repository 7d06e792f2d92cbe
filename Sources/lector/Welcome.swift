/// What `lector` alone prints: three things to paste, not a list of flags.
enum Welcome {
    static let text = """
        lector reads what is too long for other readers: mailboxes, archives, books, logs.

        Sort a mailbox into spam and ham, with a page to look at:

            lector classify inbox.mbox -o results.jsonl --report report.html

        Sort mails, or any documents, by labels of your own:

            lector classify ~/Documents --labels invoice,contract,private -o sorted.csv

        Stop at any moment with Ctrl-C. The same command goes on where it stopped, and so does

            lector resume RUN

        A file, a folder, an archive or - for standard input: kinds are recognized by content.
        Nothing leaves this machine. All verbs: lector --help

        """

    static func show() throws -> Int32 {
        try CommandSupport.print(text)
        return 0
    }
}
