import Documents
import Foundation
import Glibc
import Ingest
import Testing

/// `lector` as the process that reads.
private enum Reader {
    static let lector: String? = {
        var folder = URL(fileURLWithPath: CommandLine.arguments[0])
        while folder.path != "/" {
            folder.deleteLastPathComponent()
            let candidate = folder.appendingPathComponent("lector").path
            if access(candidate, X_OK) == 0 { return candidate }
        }
        return nil
    }()

    static var program: [String] { [lector!, "reader-process"] }

    /// The process with parsers that crash where an input says so.
    static func crashing(in folder: URL) throws -> [String] {
        let library = folder.appendingPathComponent("crashing.so").path
        if !FileManager.default.fileExists(atPath: library) {
            let clang = Process()
            clang.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            clang.arguments = [
                "clang", "-shared", "-fPIC", "-O1", "-o", library, Fixtures.path("crashing.c"), "-ldl",
            ]
            try clang.run()
            clang.waitUntilExit()
            try #require(clang.terminationStatus == 0)
        }
        return ["/usr/bin/env", "LD_PRELOAD=\(library)"] + program
    }

    /// The children of this process that read.
    static var pids: [pid_t] {
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
        return tasks.flatMap { task in
            ((try? String(contentsOfFile: "/proc/self/task/\(task)/children", encoding: .utf8)) ?? "")
                .split(separator: " ").compactMap { pid_t($0) }
        }.filter {
            (try? String(contentsOfFile: "/proc/\($0)/comm", encoding: .utf8)) == "lector-reader\n"
        }
    }
}

private func withFolder(_ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
        "lector-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder)
}

private func events(_ stream: DocumentStream) -> [DocumentEvent] {
    var all: [DocumentEvent] = []
    while let event = stream.next() { all.append(event) }
    return all
}

/// What another process reads, and what becomes of its end.
@Suite(.serialized, .enabled(if: Reader.lector != nil)) struct ReaderProcessTests {
    private func mail(_ subject: String, _ body: String = "body\n") -> String {
        "From a@b Mon Mar  2 09:41:30 2026\n" + letter(subject, body) + "\n"
    }

    private func letter(_ subject: String, _ body: String = "body\n") -> String {
        "From: a@b.example\nSubject: \(subject)\nContent-Description: \(subject)\n\n\(body)"
    }

    private func rows(_ documents: [ReadDocument]) -> [String] {
        documents.map { "\($0.document.address) \($0.status)" }
    }

    // MARK: The same events

    private func compare(_ inputs: [String], _ options: IngestOptions = .init()) {
        let here = DocumentStream(inputs: inputs, options: options, findsPlaces: true, program: nil)
        let there = DocumentStream(
            inputs: inputs, options: options, findsPlaces: true, program: Reader.program)
        var count = 0
        while let event = here.next() {
            let other = there.next()
            // readpst makes up new boundaries each time.
            if case .begin(let document) = event, document.address.contains(".pst") { return }
            guard event == other, here.place == there.place, here.hasStruckLimit() == there.hasStruckLimit()
            else {
                Issue.record("event \(count) of \(inputs): \(event) became \(String(describing: other))")
                return
            }
            count += 1
        }
        #expect(there.next() == nil)
        #expect(here.hasStruckLimit() == there.hasStruckLimit())
    }

    @Test("every event, place and limit of all fixtures is as in one process")
    func fixtures() throws {
        var options = IngestOptions()
        for name in try FileManager.default.contentsOfDirectory(atPath: Fixtures.folder).sorted() {
            compare([Fixtures.path(name)])
        }
        options.opensAttachments = true
        options.passwords = ["secret", "wrong"]
        options.limits.maxDepth = 2
        options.limits.maxRatio = 20
        options.includesHidden = false
        options.xmlRecord = "a/b"
        options.jsonTextField = "text"
        options.csvTextColumn = "text"
        compare([Fixtures.folder, "missing", "/dev/null", "", Fixtures.path("nested.zip")], options)
        compare([])
    }

    @Test("from each place on too; a place that is lost is noticed")
    func places() throws {
        let inputs = [Fixtures.path("nested.zip"), Fixtures.folder, Fixtures.path("inbox.mbox.gz")]
        let finding = DocumentStream(inputs: inputs, findsPlaces: true, program: nil)
        var places: [StreamPlace] = []
        while let event = finding.next() {
            if case .begin = event, let place = finding.place { places.append(place) }
        }
        #expect(places.count > 40)
        for place in places.enumerated().filter({ $0.offset % 5 == 0 }).map(\.element) {
            let here = DocumentStream(inputs: inputs, at: place, program: nil)
            let there = DocumentStream(inputs: inputs, at: place, program: Reader.program)
            #expect((here == nil) == (there == nil), "\(place)")
            if let here, let there { #expect(events(here) == events(there), "\(place)") }
            var lost = place
            lost.item += "x"
            #expect(DocumentStream(inputs: inputs, at: lost, program: Reader.program) == nil)
            lost = place
            lost.steps.append([1])
            #expect(DocumentStream(inputs: inputs, at: lost, program: Reader.program) == nil)
        }
        #expect(DocumentStream(inputs: [], at: places[0], program: Reader.program) == nil)
    }

    @Test("long texts, long headers and many documents come whole")
    func large() throws {
        try withFolder { folder in
            var box = ""
            for number in 0..<3000 { box += mail("number \(number)", "line \(number)\n>From x\n") }
            box += mail("long", String(repeating: "a line of a long mail\n", count: 300_000))
            for number in 0..<50 {
                box +=
                    "From a@b Mon Mar  2 09:41:30 2026\nTo: \(String(repeating: "t\(number)", count: 30_000))\n"
                box += String(repeating: "To: someone@else.example\n", count: 2_000) + "\nx\n\n"
            }
            let file = folder.appendingPathComponent("inbox.mbox")
            try box.write(to: file, atomically: false, encoding: .utf8)
            compare([file.path])
        }
    }

    @Test(
        "the collection of real and hostile files", .enabled(if: Collection.folder != nil),
        arguments: ["mime", "archives", "xml", "encodings"])
    func collection(family: String) throws {
        let folder = try Collection.unpack(family)
        defer { try? FileManager.default.removeItem(at: folder) }
        var options = IngestOptions()
        options.opensAttachments = true
        // Some hundred processes are enough; a folder is one.
        let files = Collection.files(in: folder)
        for index in stride(from: 0, to: files.count, by: max(1, files.count / 100)) {
            compare([folder.appendingPathComponent(files[index]).path], options)
        }
        if family != "archives" { compare([folder.path], options) }
    }

    // MARK: Processes that end

    @Test("kill -9 amid a long text: that document is failed.crashed, all others are there")
    func killed() throws {
        try withFolder { folder in
            let long = String(repeating: "a line of a long text\n", count: 1_000_000)
            for (name, text) in [("1.txt", "one\n"), ("2.txt", long), ("3.txt", "three\n")] {
                try text.write(
                    to: folder.appendingPathComponent(name), atomically: false, encoding: .utf8)
            }
            let stream = DocumentStream(inputs: [folder.path], program: Reader.program)
            var statuses: [String] = []
            var texts = 0
            while let event = stream.next() {
                switch event {
                case .begin: texts = 0
                case .text:
                    texts += 1
                    if texts == 2 {
                        #expect(Reader.pids.count == 1)
                        for pid in Reader.pids { kill(pid, SIGKILL) }
                    }
                case .end(let end):
                    statuses.append("\(end.status) \(end.warnings)")
                }
            }
            #expect(
                statuses == [
                    "ok []",
                    "failed.crashed [\"the process that read this ended with signal 9 (Killed)\"]", "ok []",
                ])
            #expect(texts < 100)
        }
    }

    @Test("a process that is stopped is limit.time, and reading goes on after its document")
    func stopped() throws {
        try withFolder { folder in
            var box = ""
            for number in 0..<20 {
                box += mail("\(number)", String(repeating: "line\n", count: number == 10 ? 2_000_000 : 2))
            }
            let file = folder.appendingPathComponent("inbox.mbox")
            try box.write(to: file, atomically: false, encoding: .utf8)
            var options = IngestOptions()
            options.limits.maxSilentSeconds = 1
            let stream = DocumentStream(inputs: [file.path], options: options, program: Reader.program)
            var statuses: [ItemStatus] = []
            var texts = 0
            while let event = stream.next() {
                switch event {
                case .begin: texts = 0
                case .text:
                    texts += 1
                    if texts == 2 { for pid in Reader.pids { kill(pid, SIGSTOP) } }
                case .end(let end): statuses.append(end.status)
                }
            }
            var expected = [ItemStatus](repeating: .ok, count: 20)
            expected[10] = .failed(.limitTime)
            #expect(statuses == expected)
            #expect(Reader.pids.isEmpty)
        }
    }

    @Test(
        "a mail that ends its parser costs that mail, in whatever it lies",
        arguments: [
            ("exit", "failed.crashed"), ("abort", "failed.crashed"), ("null", "failed.crashed"),
            ("loop", "failed.limit.time"), ("sleep", "failed.limit.time"), ("memory", "failed.limit.memory"),
        ])
    func crash(how: String, status: String) throws {
        try withFolder { folder in
            var options = IngestOptions()
            options.limits.maxSilentSeconds = how == "memory" ? 30 : 1
            options.limits.maxMessageBytes = 16 << 20
            options.limits.maxReaderBytes = 128 << 20
            let program = try Reader.crashing(in: folder)
            let inputs = folder.appendingPathComponent("inputs")
            try FileManager.default.createDirectory(at: inputs, withIntermediateDirectories: true)
            let poison = mail("poison-\(how)")
            let box = (0..<6).map { $0 == 0 || $0 == 3 || $0 == 5 ? poison : mail("\($0)") }.joined()
            let file = { (name: String) in inputs.appendingPathComponent(name).path }
            for (name, text) in [
                ("1.eml", letter("1")), ("2.eml", letter("poison-\(how)")), ("3.mbox", box),
                ("4.eml", letter("4")), ("5.eml", letter("poison-\(how)")),
            ] { try text.write(toFile: file(name), atomically: false, encoding: .utf8) }
            var expected = ["1.eml ok", "2.eml \(status)"]
            for number in 1...6 {
                expected.append("3.mbox#\(number) \([1, 4, 6].contains(number) ? status : "ok")")
            }
            expected += ["4.eml ok", "5.eml \(status)"]
            let found = readAll(DocumentStream(inputs: [inputs.path], options: options, program: program))
            #expect(rows(found) == expected.map { inputs.path + "/" + $0 })
            #expect(Reader.pids.isEmpty)
        }
    }

    @Test("in archives and archives in them; a list that cannot be gone through is one row for the rest")
    func archives() throws {
        try withFolder { folder in
            let program = try Reader.crashing(in: folder)
            func tar(_ name: String, _ entries: [(String, String)], _ flag: String = "-cf") throws {
                let inner = folder.appendingPathComponent("entries-\(name)")
                try FileManager.default.createDirectory(at: inner, withIntermediateDirectories: true)
                for (entry, text) in entries {
                    if text.hasPrefix("@") {
                        try FileManager.default.copyItem(
                            atPath: folder.path + "/" + text.dropFirst(), toPath: inner.path + "/" + entry)
                    } else {
                        try text.write(toFile: inner.path + "/" + entry, atomically: false, encoding: .utf8)
                    }
                }
                let tar = Process()
                tar.executableURL = URL(fileURLWithPath: "/usr/bin/env")
                tar.arguments = ["tar", flag, "\(folder.path)/\(name)", "-C", inner.path] + entries.map(\.0)
                try tar.run()
                tar.waitUntilExit()
                try #require(tar.terminationStatus == 0)
            }
            let poison = mail("poison-exit")
            try tar(
                "inner.tar",
                [("1.txt", "one"), ("2.mbox", mail("a") + poison + mail("c")), ("3.txt", "three")])
            try tar(
                "outer.tar.gz",
                [
                    ("a.eml", letter("poison-exit")), ("b.tar", "@inner.tar"), ("c.txt", "see"),
                    ("d.eml", letter("poison-exit")),
                ], "-czf")
            let outer = folder.path + "/outer.tar.gz"
            let after = folder.path + "/after.txt"
            try "after".write(toFile: after, atomically: false, encoding: .utf8)
            let found = readAll(DocumentStream(inputs: [outer, after], program: program))
            #expect(
                rows(found) == [
                    "\(outer)!/a.eml failed.crashed", "\(outer)!/b.tar!/1.txt ok",
                    "\(outer)!/b.tar!/2.mbox#1 ok", "\(outer)!/b.tar!/2.mbox#2 failed.crashed",
                    "\(outer)!/b.tar!/2.mbox#3 ok", "\(outer)!/b.tar!/3.txt ok", "\(outer)!/c.txt ok",
                    "\(outer)!/d.eml failed.crashed", "\(after) ok",
                ])
            try tar("list.tar", [("1.txt", "one"), ("list-poison-exit", "two"), ("3.txt", "three")])
            let list = folder.path + "/list.tar"
            let listed = readAll(DocumentStream(inputs: [list, after], program: program))
            #expect(rows(listed) == ["\(list)!/1.txt ok", "\(list) failed.crashed", "\(after) ok"])
        }
    }

    @Test("amid XML: the page that was read, and the rest of its file, are named")
    func markup() throws {
        try withFolder { folder in
            let program = try Reader.crashing(in: folder)
            var dump = "<mediawiki>"
            for number in 0..<200 {
                dump += "<page><title>\(number)</title><revision><text>"
                dump += String(repeating: "text of page \(number). ", count: 500)
                dump += number == 100 ? "<poison-abort/>" : ""
                dump += "</text></revision></page>"
            }
            let file = folder.path + "/dump.xml"
            try (dump + "</mediawiki>").write(toFile: file, atomically: false, encoding: .utf8)
            let found = readAll(
                DocumentStream(inputs: [file, Fixtures.path("inbox.mbox.gz")], program: program))
            let statuses = found.map(\.status)
            #expect(statuses.count { $0 == .failed(.crashed) } == 1)
            #expect(statuses.prefix(60).allSatisfy { $0 == .ok } && statuses.count > 60)
            #expect(found.last?.document.address.contains("inbox.mbox.gz") == true)
        }
    }

    @Test("a program that is none, that ends at once or talks nonsense is a row for each input, and no loop")
    func nonsense() {
        for program in [
            ["/nonexistent"], ["/bin/false"], ["/bin/sh", "-c", "head -c 5000 /dev/urandom >&3"],
            ["/bin/sh", "-c", "printf '\\377\\377\\377\\377\\1' >&3; exit 3"],
        ] {
            let found = readAll(DocumentStream(inputs: ["a", "b"], program: program))
            #expect(found.map(\.document.address) == ["a", "b"], "\(program)")
            #expect(
                found.allSatisfy {
                    $0.status == .failed(.crashed) || $0.status == .failed(.unreadable)
                }, "\(program)")
        }
    }

    @Test("a stream that is given up ends its process")
    func givenUp() throws {
        var stream: DocumentStream? = DocumentStream(inputs: [Fixtures.folder], program: Reader.program)
        _ = stream?.next()
        #expect(Reader.pids.count == 1)
        stream = nil
        #expect(Reader.pids.isEmpty)
    }
}
