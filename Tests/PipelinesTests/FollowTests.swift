import Glibc
import JSON
import Pipelines
import Testing

/// `lector documents --follow`: a mailbox that grows.
@Suite("Following a mailbox", .serialized, .enabled(if: LectorBinary.path != nil))
struct FollowTests {
    private let lector = LectorBinary(work: TemporaryFolder())

    private static func mail(_ number: Int, _ text: String = "Words.") -> String {
        "From a@b Mon Mar  2 09:41:30 2026\nFrom: A <a@example.org>\nSubject: mail \(number)\n\n\(text)\n\n"
    }

    private func append(_ bytes: some Sequence<UInt8>, to name: String = "in.mbox") {
        let fd = open(lector.work.file(name), O_WRONLY | O_APPEND | O_CREAT, 0o600)
        defer { close(fd) }
        let bytes = Array(bytes)
        #expect(write(fd, bytes, bytes.count) == bytes.count)
    }

    private func follow(_ flags: [String] = []) -> pid_t {
        lector.start(["documents", "in.mbox", "--follow"] + flags)
    }

    /// Waits until standard output, or standard error, has `text`.
    private func wait(for text: String, in name: String = "stdout", _ line: Int = #line) {
        for _ in 0..<1500 {
            if lector.text(name).contains(text) { return }
            usleep(10_000)
        }
        Issue.record("line \(line): \(text) is not in \(lector.text(name))")
    }

    private func stop(_ pid: pid_t, _ signal: Int32 = SIGINT) -> LectorBinary.Result {
        kill(pid, signal)
        return lector.wait(pid)
    }

    private func subjects(_ rows: String) throws -> [String?] {
        try rows.split(separator: "\n").map {
            try JSONValue(parsing: String($0))["metadata"]?["subject"]?.string
        }
    }

    @Test("a mail has its row when the next one begins, or when an empty line ends the file for a while")
    func grows() throws {
        append((Self.mail(1) + Self.mail(2)).utf8)
        let pid = follow()
        wait(for: "mail 1")
        wait(for: "mail 2")
        let third = Self.mail(3, "Long words.")
        append(third.utf8.dropLast(3))
        sleep(3)
        #expect(!lector.text("stdout").contains("mail 3"), "it is not complete")
        append(third.utf8.suffix(3))
        append((Self.mail(4) + "From a@b Mon Mar  2 09:41:30 2026\nSubject: five\nTo").utf8)
        wait(for: "mail 4")
        let result = stop(pid)
        #expect(result.status == 130)
        #expect(result.err.contains("in.mbox#5 is not complete yet"), "\(result.err)")
        #expect(try subjects(result.out) == (1...4).map { "mail \($0)" })
    }

    @Test("however the bytes come, the rows are those of the whole", arguments: 1...3)
    func cuts(seed: Int) throws {
        var whole = CommandTests.mailbox
        for number in 0..<12 {
            whole += Self.mail(
                number,
                "A line.\n\nFrom here on: no divider.\n>From quoted.\n"
                    + String(repeating: "x\n", count: number * 90))
        }
        let bytes = Array(whole.utf8)
        lector.work.write("", to: "in.mbox")
        let pid = follow(seed == 1 ? ["--metadata"] : [])
        var (at, random) = (0, UInt64(seed))
        while at < bytes.count {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            // Most of the cuts are around the lines that divide.
            let next = min(bytes.count, at + 1 + Int(random >> 33) % (random >> 60 < 5 ? 900 : 60))
            append(bytes[at..<next])
            at = next
            usleep(UInt32(random >> 40) % 60_000)
        }
        wait(for: "mail 11")
        usleep(300_000)
        let result = stop(pid, SIGTERM)
        #expect(result.status == 143)
        let rows = lector.run(["documents", "in.mbox"] + (seed == 1 ? ["--metadata"] : [])).out
        if result.err.isEmpty {
            #expect(result.out == rows)
        } else {
            // This process stood still for two seconds behind an empty line inside a mail.
            #expect(result.err.split(separator: "\n").allSatisfy { $0.contains("went on") }, "\(result.err)")
            #expect(try lastRows(result.out) == lastRows(rows))
        }
    }

    private func lastRows(_ rows: String) throws -> [String?: Substring] {
        try Dictionary(
            rows.split(separator: "\n").map { (try JSONValue(parsing: String($0))["item"]?.string, $0) },
            uniquingKeysWith: { $1 })
    }

    @Test("a mail that is complete when the signal comes has its row, and the next one a row or a word")
    func ends() throws {
        for pause in 0..<8 {
            lector.work.write(Self.mail(1) + Self.mail(2), to: "in.mbox")
            let pid = follow()
            wait(for: "mail 1")
            append(Self.mail(3).utf8)
            usleep(UInt32(pause) * 30_000)
            let result = stop(pid)
            let rows = try subjects(result.out)
            #expect(rows.prefix(2) == ["mail 1", "mail 2"])
            #expect(
                rows.count == 3 || result.err.contains("in.mbox#3 and what comes after it have no row"),
                "\(rows) \(result.err)")
        }
    }

    @Test("a file that became shorter, was replaced or went away is read from its start, and it is said")
    func rotates() throws {
        append((Self.mail(1) + Self.mail(2)).utf8)
        let pid = follow()
        wait(for: "mail 2")
        lector.work.write(Self.mail(3), to: "in.mbox")
        wait(for: "mail 3")
        #expect(lector.text("stderr").contains("in.mbox became shorter; it is read from its start"))
        rename(lector.work.file("in.mbox"), lector.work.file("old.mbox"))
        wait(for: "is gone", in: "stderr")
        // A delivery that had the file open.
        append(Self.mail(0).utf8, to: "old.mbox")
        lector.work.write(Self.mail(4) + Self.mail(5), to: "in.mbox")
        wait(for: "mail 5")
        #expect(lector.text("stderr").contains("was replaced"))
        // Longer than before, and another mail stands where the last one stood.
        lector.work.write(
            Self.mail(6, "A longer text than there was, so that no mail begins where one did.")
                + Self.mail(7), to: "new")
        lector.work.write(lector.bytes("new"), to: "in.mbox")
        wait(for: "mail 7")
        let result = stop(pid)
        #expect(try subjects(result.out) == [1, 2, 3, 0, 4, 5, 6, 7].map { "mail \($0)" }, "\(result.err)")
        #expect(
            try JSONValue(parsing: String(result.out.split(separator: "\n").last!))["item"]?.string
                == "in.mbox#2")
    }

    @Test("what was delivered just before a rename is read; a file that comes back may go away again")
    func renames() throws {
        append(Self.mail(1).utf8)
        let pid = follow()
        wait(for: "mail 1")
        append(Self.mail(2).utf8)
        rename(lector.work.file("in.mbox"), lector.work.file("old.mbox"))
        lector.work.write(Self.mail(3), to: "in.mbox")
        wait(for: "mail 3")
        func absences() -> Int {
            lector.text("stderr").split(separator: "\n").count { $0.contains("is gone") }
        }
        for number in 4...5 {
            let before = absences()
            rename(lector.work.file("in.mbox"), lector.work.file("away"))
            for _ in 0..<1500 where absences() == before { usleep(10_000) }
            #expect(absences() == before + 1)
            rename(lector.work.file("away"), lector.work.file("in.mbox"))
            append(Self.mail(number).utf8)
            wait(for: "mail \(number)")
        }
        let result = stop(pid)
        #expect(try subjects(result.out) == (1...5).map { "mail \($0)" }, "\(result.err)")
        #expect(try lastRows(result.out)["in.mbox#1"] != nil, "\(result.out)")
        #expect(!result.out.contains("/proc/"))
    }

    @Test("a mail that goes on after its row has its row again, and it is said")
    func goesOn() throws {
        append(Self.mail(1).utf8)
        let pid = follow()
        wait(for: "mail 1")
        append("More words.\n\n".utf8)
        wait(for: "in.mbox#1 went on after its row was written", in: "stderr")
        append(Self.mail(2).utf8)
        wait(for: "mail 2")
        #expect(try subjects(stop(pid).out) == ["mail 1", "mail 1", "mail 2"])
    }

    @Test("--text, --stats, attachments and -o are what they are without it; -o gets its name at the end")
    func forms() throws {
        let mixed =
            "From a@b Mon Mar  2 09:41:30 2026\nSubject: two\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nHello.\n"
            + "--x\nContent-Type: text/plain; name=a.txt\nContent-Disposition: attachment; filename=a.txt\n\nInside.\n--x--\n\n"
        append((mixed + mixed + Self.mail(3)).utf8)
        for flags in [[], ["--text"], ["--stats"], ["--threads"], ["--no-attachments"]] {
            let pid = follow(flags + ["-o", "followed"])
            for _ in 0..<1500 where !hasOpen("in.mbox", pid) { usleep(10_000) }
            // It is said once all of it is read, whatever is written then.
            rename(lector.work.file("in.mbox"), lector.work.file("away"))
            wait(for: "is gone", in: "stderr")
            #expect(lector.bytes("followed").isEmpty)
            #expect(stop(pid).status == 130)
            rename(lector.work.file("away"), lector.work.file("in.mbox"))
            lector.run(["documents", "in.mbox", "-o", "whole"] + flags)
            #expect(lector.text("followed") == lector.text("whole"), "\(flags)")
            #expect(!lector.text("whole").isEmpty)
            unlink(lector.work.file("followed"))
        }
    }

    private func hasOpen(_ name: String, _ pid: pid_t) -> Bool {
        let files = "/proc/\(pid)/fd/"
        let open = (try? FileSystemNames.of(files)) ?? []
        return open.contains { FileSystem.linkTarget(files + $0)?.hasSuffix("/" + name) == true }
    }

    @Test("what is no mailbox in a plain file is refused")
    func refusals() {
        mkdir(lector.work.file("folder"), 0o700)
        append("From".utf8, to: "begun.mbox")
        append("Dear Ada.\n".utf8, to: "a.txt")
        append((Self.mail(1) + Self.mail(2)).utf8)
        _ = lector.wait(lector.start(shell: "gzip -k in.mbox"))
        for (inputs, status, words) in [
            (["folder"], 64, "a mailbox in a plain file"), (["in.mbox", "in.mbox"], 64, "one mailbox"),
            (["-"], 64, "one mailbox"), (["none"], 74, "none"), (["a.txt"], 65, "this is text"),
            (["in.mbox.gz"], 65, "a mailbox in a plain file"),
        ] {
            let result = lector.run(["documents", "--follow"] + inputs)
            #expect(result.status == status && result.err.contains(words), "\(inputs): \(result.err)")
        }
        let pid = lector.start(["documents", "--follow", "begun.mbox"])
        sleep(1)
        append(Self.mail(1).utf8.dropFirst(4), to: "begun.mbox")
        wait(for: "mail 1")
        #expect(stop(pid).status == 130)
    }
}
