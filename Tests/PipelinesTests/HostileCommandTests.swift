import Foundation
import Glibc
import Testing

/// Inputs that are made to hurt, read by `lector` as people run it: each ends with its typed status
/// in less than 2 s of processor time and 200 MiB, both processes counted.
@Suite("Hostile inputs, by the command", .serialized, .enabled(if: LectorBinary.path != nil))
struct HostileCommandTests {
    private struct Outcome {
        var statuses: Set<String>
        var rows: Int
        var seconds: Double
        var peakBytes: Int
        var exit: Int32
    }

    private let lector = LectorBinary(work: TemporaryFolder())

    private func read(_ inputs: [String], shell: String = "exec \"$@\"", environment: [String] = [])
        -> Outcome
    {
        let pid = lector.start(shell: shell, [LectorBinary.path!, "documents"] + inputs)
        var status: Int32 = 0
        var usage = rusage()
        // The kernel's ru_maxrss begins with what the test process had when it forked.
        var peak = 0
        while true {
            let ended = wait4(pid, &status, WNOHANG, &usage)
            if ended == pid || ended < 0 && errno != EINTR { break }
            peak = max(peak, Self.peakBytes(of: pid))
            usleep(1_000)
        }
        let time = { (value: timeval) in Double(value.tv_sec) + Double(value.tv_usec) / 1e6 }
        let rows = lector.text("stdout").split(separator: "\n")
        let statuses = rows.compactMap { row in
            row.split(separator: "\"status\": \"", maxSplits: 1).last?.split(separator: "\"").first.map(
                String.init)
        }
        return Outcome(
            statuses: Set(statuses), rows: rows.count,
            seconds: time(usage.ru_utime) + time(usage.ru_stime), peakBytes: peak,
            exit: status)
    }

    /// The most memory that lector has had so far, as process `pid` or a child of it.
    private static func peakBytes(of pid: pid_t) -> Int {
        let process = "/proc/\(pid)"
        var peak = 0
        let name = try? String(contentsOfFile: process + "/comm", encoding: .utf8)
        if name == "lector\n" || name == "lector-reader\n",
            let status = try? String(contentsOfFile: process + "/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") })
        {
            peak = (Int(line.filter(\.isNumber)) ?? 0) << 10
        }
        let children = (try? String(contentsOfFile: process + "/task/\(pid)/children", encoding: .utf8)) ?? ""
        for child in children.split(separator: " ").compactMap({ pid_t($0) }) {
            peak = max(peak, peakBytes(of: child))
        }
        return peak
    }

    private func ends(
        _ name: String, _ allowed: Set<String>, of inputs: [String]? = nil, peakBytes: Int = 200 << 20
    ) {
        let outcome = read(inputs ?? [name])
        #expect(
            outcome.rows > 0 && !outcome.statuses.isEmpty && outcome.statuses.isSubset(of: allowed),
            "\(name): \(outcome.statuses)")
        #expect(outcome.seconds < 2, "\(name): \(outcome.seconds) s")
        #expect(outcome.peakBytes < peakBytes, "\(name): \(outcome.peakBytes >> 20) MiB")
        #expect(outcome.exit & 0x7F == 0, "\(name): ended by a signal")
    }

    private static let fixtures =
        #filePath.split(separator: "/").dropLast(2).reduce("") { "\($0)/\($1)" }
        + "/IngestTests/Fixtures/"

    @Test("bombs: zip, xz, gzip, a bomb in a bomb, entries that share their bytes, containers without end")
    func bombs() throws {
        ends(
            "bomb.zip", ["ok", "failed.limit.ratio", "partial.limit.ratio"], of: [Self.fixtures + "bomb.zip"])
        ends("bomb.xz", ["failed.limit.ratio", "partial.limit.ratio"], of: [Self.fixtures + "bomb.xz"])
        ends("deep.zip", ["failed.limit.depth"], of: [Self.fixtures + "deep.zip"])
        let made = lector.wait(
            lector.start(shell: "exec python3 \"$@\"", [Self.fixtures + "make_bombs.py"]))
        try #require(made.status == 0, "\(made.err)")
        ends("big.gz", ["failed.limit.ratio", "partial.limit.ratio"])
        ends("nested.gz", ["failed.limit.ratio", "partial.limit.ratio"])
        ends("deep.gz", ["failed.limit.depth"])
        ends("overlap.zip", ["failed.limit.ratio", "partial.limit.ratio", "ok"])
        // Names lead nowhere: nothing is written, and they are parts of addresses.
        ends("names.tar", ["ok"])
        #expect(lector.text("stdout").contains("names.tar!/"))
        #expect(access("/tmp/lector-escaped", F_OK) != 0)
        #expect(access(lector.work.file("../lector-escaped"), F_OK) != 0)
    }

    @Test("mail: parts 1,000 deep, 100,000 header fields, 100,000 parts, a header and a line of 50 MB")
    func mail() {
        func write(_ name: String, _ text: String) {
            lector.work.write("From: a@b.example\nSubject: s\n" + text, to: name)
        }
        var deep = ""
        for level in 0..<1000 {
            deep += "Content-Type: multipart/mixed; boundary=b\(level)\n\n--b\(level)\n"
        }
        write("deep.eml", deep + "\nx\n")
        ends("deep.eml", ["partial.limit.depth"])
        let message = "Content-Type: message/rfc822\n\nFrom: a@b.example\n"
        write("messages.eml", String(repeating: message, count: 1000) + "\nx\n")
        ends("messages.eml", ["partial.limit.depth"])
        write("headers.eml", String(repeating: "X-Field: value\n", count: 100_000) + "\nx\n")
        ends("headers.eml", ["ok"])
        write(
            "parts.eml",
            "Content-Type: multipart/mixed; boundary=b\n\n" + String(repeating: "--b\n\nx\n", count: 100_000))
        ends("parts.eml", ["partial.limit.entries"])
        write("line.eml", "\n" + String(repeating: "a", count: 50 << 20))
        ends("line.eml", ["ok"])
        write("header.eml", "To: " + String(repeating: "a", count: 50 << 20) + "\n\nx\n")
        ends("header.eml", ["ok"])
    }

    @Test(
        "markup: laughs, quadratic blow-up, entities from outside, 200,000 attributes, 100,000 elements deep")
    func markup() {
        var laughs = "<!DOCTYPE l [<!ENTITY a0 \"ha\">"
        for level in 1...30 { laughs += "<!ENTITY a\(level) \"&a\(level - 1);&a\(level - 1);\">" }
        lector.work.write(laughs + "]><l>&a30;</l>", to: "laughs.xml")
        ends("laughs.xml", ["partial.limit.ratio"])
        let long = String(repeating: "x", count: 50_000)
        lector.work.write(
            "<!DOCTYPE l [<!ENTITY a \"\(long)\">]><l>" + String(repeating: "&a;", count: 50_000) + "</l>",
            to: "quadratic.xml")
        ends("quadratic.xml", ["partial.limit.ratio"])
        lector.work.write(
            "<!DOCTYPE l [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><l>before &a; after</l>",
            to: "outside.xml")
        ends("outside.xml", ["ok", "partial.damaged"])
        #expect(!lector.text("stdout").contains("root:"))
        let attributes = (0..<200_000).map { "a\($0)=\"1\"" }.joined(separator: " ")
        lector.work.write("<?xml version=\"1.0\"?><l \(attributes)>x</l>", to: "attributes.xml")
        ends("attributes.xml", ["ok"])
        lector.work.write("<html><p \(attributes)>x</p></html>", to: "attributes.html")
        ends("attributes.html", ["ok"])
        lector.work.write(
            "<?xml version=\"1.0\"?>" + String(repeating: "<a>", count: 100_000), to: "deep.xml")
        ends("deep.xml", ["partial.limit.depth"])
        lector.work.write("<html>" + String(repeating: "<div>", count: 100_000) + "x", to: "deep.html")
        ends("deep.html", ["ok"])
    }

    @Test("what is no file: devices, FIFOs, a circle of links, a folder without end")
    func notFiles() {
        let work = lector.work
        mkfifo(work.file("fifo"), 0o600)
        symlink("b", work.file("a"))
        symlink("a", work.file("b"))
        mkdir(work.file("folder"), 0o700)
        symlink(".", work.file("folder/again"))
        ends("fifo", ["skipped.unsupported"])
        ends("a", ["failed.cycle"])
        ends("folder", ["failed.cycle", "skipped.empty"])
        ends("devices", ["skipped.unsupported"], of: ["/dev/zero", "/dev/null", "/dev/tty", "/dev/random"])
        ends("nothing", ["failed.missing"])
    }

    @Test("a gigabyte without a line end, on a pipe: constant memory, and no second more than its bytes need")
    func line() {
        let shell = "head -c 1073741824 /dev/zero | tr '\\0' a | exec \"$@\""
        let outcome = read(["-"], shell: shell)
        #expect(outcome.statuses == ["ok"])
        #expect(outcome.peakBytes < 200 << 20, "\(outcome.peakBytes >> 20) MiB")
        // The same bytes as one mail: the limit of a mail ends it.
        let mail = read(
            ["-"],
            shell:
                "{ printf 'From: a@b.example\\nTo: c@d.example\\nMessage-ID: <1@b.example>\\n\\n'; head -c 1073741824 /dev/zero | tr '\\0' a; } | exec \"$@\""
        )
        #expect(mail.statuses == ["partial.limit.bytes"])
        #expect(mail.peakBytes < 300 << 20, "\(mail.peakBytes >> 20) MiB")
    }
}
