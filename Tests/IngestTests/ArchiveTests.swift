import Documents
import Foundation
import Ingest
import Synchronization
import Testing

@Suite struct ArchiveTests {
    private func open(_ name: String, _ options: IngestOptions = .init()) -> [ReadDocument] {
        readAll(DocumentStream(inputs: [Fixtures.path(name)], options: options)).map { document in
            var document = document
            document.document.address = document.document.address.replacing(Fixtures.folder + "/", with: "")
            return document
        }
    }

    @Test("files in archives in archives have addresses through all of them")
    func nested() {
        let found = open("nested.zip")
        #expect(
            found.map(\.document.address) == [
                "nested.zip!/b.tar.xz!/inbox.mbox#1", "nested.zip!/b.tar.xz!/inbox.mbox#2",
                "nested.zip!/b.tar.xz!/inbox.mbox#3", "nested.zip!/b.tar.xz!/note.txt",
                "nested.zip!/last.txt",
            ])
        #expect(found.allSatisfy { $0.status == .ok && $0.end.source == nil })
        #expect(found[1].text == "Body of letter 2.\n" && found[3].text == "Grüße\n")
    }

    @Test("a compressed file is what is in it", arguments: ["inbox.mbox.gz", "inbox.mbox.bz2"])
    func filters(name: String) {
        #expect(open(name).map(\.document.address) == ["\(name)#1", "\(name)#2", "\(name)#3"])
    }

    @Test("a damaged archive keeps what came before and has one row for the rest")
    func damaged() {
        let found = open("nested-damaged.zip")
        #expect(found.last?.status == .failed(.damaged) || found.last?.status == .partial(.damaged))
        let text = open("truncated.txt.gz")
        #expect(text.map(\.status) == [.partial(.damaged)])
        #expect(text[0].text.hasPrefix("0 some text: "))
    }

    @Test(
        "a file whose checksum is wrong is damaged, and keeps its text",
        arguments: ["checksum.7z", "checksum.zip"])
    func checksum(name: String) {
        let found = open(name)
        #expect(found.map(\.status) == [.partial(.damaged), .ok])
        #expect(
            found.map(\.text) == [
                name.hasSuffix("7z") ? "The first file.\n" : "The worst file.\n", "The second file.\n",
            ])
        #expect(found[0].end.warnings.contains { $0.contains("CRC") }, "\(found[0].end.warnings)")
    }

    @Test("each of the files packed together by an unknown method is unsupported")
    func unknownMethod() {
        let found = open("unknown-method.7z")
        #expect(found.map(\.status) == [.failed(.unsupported), .failed(.unsupported)])
    }

    @Test("LZMA is known by its header, of either properties in use")
    func properties() {
        #expect(open("note.lzma").map(\.text) == [String(repeating: "A note.\n", count: 20)])
    }

    @Test("what libarchive cannot unpack of a 7z is read by 7z where it is installed, and else says so")
    func otherMethod() {
        let found = open("deflate64.7z")
        #expect(found.map(\.document.address) == ["deflate64.7z!/first.txt", "deflate64.7z!/second.txt"])
        if access("/usr/bin/7z", X_OK) == 0 {
            #expect(found.map(\.status) == [.ok, .ok])
            #expect(found.map(\.text) == ["The first file.\n", "The second file.\n"])
        } else {
            #expect(found.map(\.status) == [.failed(.unsupported), .failed(.unsupported)])
            #expect(found[0].end.warnings.contains { $0.contains("apt-get install p7zip-full") })
        }
    }

    @Test(
        "uuencoded files are unpacked: modes of three digits or four, with and without an empty line at the end",
        arguments: ["644", "0744", "1644"], ["`\nend\n", "end\n", "`\nend", " \r\nend \r\n"])
    func uuencoded(mode: String, end: String) {
        for lines in [0, 1, 2, 9] {
            let text = Array(String(repeating: "A line of the text.\n", count: lines).utf8)
            let file = Array("begin \(mode) note.txt\n".utf8) + Self.uuencoded(text) + Array(end.utf8)
            let whole = read(file, address: "note.uue")
            #expect(whole.map(\.status) == [lines == 0 ? .skipped(.empty) : .ok])
            #expect(Array(whole[0].text.utf8) == text && whole[0].document.address == "note.uue")
            #expect(read(file, address: "note.uue", cuts: [1]) == whole)
        }
    }

    @Test("a second uuencoded file behind the first has its name, and text between them ends neither")
    func uuencodedTwice() {
        let one = Self.uuencoded(Array("The first file.\n".utf8))
        let two = Self.uuencoded(Array("The second file.\n".utf8))
        let file =
            Array("begin 644 one.txt\n".utf8) + one
            + Array("`\nend\nThen comes the other.\nbegin 644 two.txt\n".utf8)
            + two + Array("`\nend\n".utf8)
        let found = read(file, address: "both.uu")
        #expect(found.map(\.document.address) == ["both.uu", "both.uu!/two.txt"])
        #expect(found.map(\.text) == ["The first file.\n", "The second file.\n"])
        #expect(found.map(\.status) == [.ok, .ok])
        #expect(read(file, address: "both.uu", cuts: [1]) == found)
    }

    @Test("a uuencoded file that stops, or has another line in it, is damaged and keeps its text")
    func uuencodedDamage() {
        let text = Array(String(repeating: "A line of the text.\n", count: 9).utf8)
        let begun = Array("begin 644 note.txt\n".utf8) + Self.uuencoded(text)
        for (rest, words) in [("", "without its `end`"), ("lower case\nend\n", "line 6 is not uuencoded")] {
            let found = read(begun + Array(rest.utf8), address: "note.uu")
            #expect(found.map(\.status) == [.partial(.damaged)])
            #expect(Array(found[0].text.utf8) == text)
            #expect(found[0].end.warnings.contains { $0.contains(words) }, "\(found[0].end.warnings)")
        }
    }

    @Test("text that only begins like a uuencoded file is text")
    func notUuencoded() {
        for text in [
            "begin 644 note.txt\nThis is prose.\nend\n", "begin 644 note.txt\n", "begin the day\n`\nend\n",
        ] {
            #expect(read(Array(text.utf8), address: "note.txt").map(\.text) == [text])
        }
    }

    /// Lines of data alone.
    private static func uuencoded(_ text: [UInt8]) -> [UInt8] {
        var file: [UInt8] = []
        for line in stride(from: 0, to: text.count, by: 45) {
            let bytes = text[line..<min(text.count, line + 45)]
            file.append(0x20 + UInt8(bytes.count))
            for index in stride(from: line, to: bytes.endIndex, by: 3) {
                let bits = (0..<3).reduce(0) {
                    $0 << 8 | (index + $1 < text.count ? Int(text[index + $1]) : 0)
                }
                for shift in [18, 12, 6, 0] {
                    let six = UInt8(bits >> shift & 63)
                    file.append(six == 0 ? 0x60 : 0x20 + six)
                }
            }
            file.append(0x0A)
        }
        return file
    }

    @Test("bombs end at the ratio limit, at the same place every time")
    func bombs() {
        let single = open("bomb.xz")
        #expect(single.map(\.status) == [.partial(.limitRatio)])
        #expect(single[0].end.textBytes <= 17 << 20)
        #expect(open("bomb.xz") == single)
        let zip = open("bomb.zip")
        #expect(zip.map(\.status) == [.ok, .partial(.limitRatio), .failed(.limitRatio)])
    }

    @Test("a limit that strikes while an entry is passed over is a row for the entries after it")
    func silentRest() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "lector-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        // A picture, of which only the beginning is looked at.
        try (Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) + Data(count: 64 << 20)).write(
            to: folder.appendingPathComponent("1.png"))
        try Data("after it\n".utf8).write(to: folder.appendingPathComponent("2.txt"))
        let path = folder.appendingPathComponent("a.tar.gz").path
        let tar = Process()
        tar.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        tar.arguments = ["tar", "czf", path, "-C", folder.path, "1.png", "2.txt"]
        try tar.run()
        tar.waitUntilExit()
        var options = IngestOptions()
        let ratio = readAll(DocumentStream(inputs: [path], options: options))
        #expect(ratio.map(\.document.address) == [path + "!/1.png", path])
        #expect(ratio.map(\.status) == [.skipped(.unsupported), .failed(.limitRatio)])
        options.limits.maxRatio = 1_000_000
        options.limits.maxUnpackedBytes = 1 << 20
        let bytes = readAll(DocumentStream(inputs: [path], options: options))
        #expect(bytes.map(\.status) == [.skipped(.unsupported), .failed(.limitBytes)])
        options.limits.maxUnpackedBytes = 1 << 30
        let all = readAll(DocumentStream(inputs: [path], options: options))
        #expect(all.map(\.status) == [.skipped(.unsupported), .ok])
    }

    @Test("depth, entries and bytes end where they are set")
    func limits() {
        #expect(open("deep.zip").map(\.status) == [.failed(.limitDepth)])
        var options = IngestOptions()
        options.limits.maxDepth = 25
        #expect(open("deep.zip", options).map(\.text) == ["in the innermost\n"])
        options.limits.maxEntries = 10
        let many = open("many.tar", options)
        #expect(many.count == 11 && many.last?.status == .failed(.limitEntries))
        options.limits.maxUnpackedBytes = 10
        #expect(open("nested.zip", options).last?.status == .failed(.limitBytes))
    }

    @Test("encrypted entries are named")
    func encrypted() {
        #expect(open("encrypted.zip").map(\.status) == [.failed(.encrypted)])
        var options = IngestOptions()
        options.passwords = ["wrong", "password"]
        #expect(open("encrypted.zip", options).map(\.text) == ["nobody reads this\n"])
        options.passwords = ["wrong"]
        #expect(open("encrypted.zip", options).map(\.status) == [.failed(.encrypted)])
    }

    @Test("a name amid the data that is no text, after memory was short elsewhere, ends nothing")
    func volumes() {
        // libarchive ends the process where a name does not convert and errno says ENOMEM.
        let bytes = Fixtures.bytes("volumes.rar")
        for size in [1, 100, 100_000] {
            var position = 0
            let stream = DocumentStream(address: "volumes.rar") {
                defer { errno = ENOMEM }
                guard position < bytes.count else { return nil }
                defer { position += size }
                return Array(bytes[position..<min(position + size, bytes.count)])
            }
            let found = readAll(stream)
            #expect(found.map(\.status) == [.ok])
            #expect(
                found.map(\.text) == [
                    String(repeating: "The first half.\n", count: 50)
                        + String(repeating: "The second half.\n", count: 50)
                ])
        }
    }

    @Test("from the first archive on, memory that was had leaves no ENOMEM, on any thread")
    func memoryLeavesNoError() {
        #expect(open("names.zip").count == 4)
        // Large blocks together do not fit a thread's arena, which has 64 MiB.
        let wrong = Mutex(0)
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            var random = SeededGenerator(state: UInt64(thread))
            var blocks = [UnsafeMutableRawPointer?](repeating: nil, count: 8)
            for index in 0..<10_000 {
                free(blocks[index % 8])
                errno = 0
                let block = malloc(1 << 20 + Int.random(in: 0...31 << 20, using: &random))
                let code = errno
                if block != nil, code != 0 { wrong.withLock { $0 += 1 } }
                blocks[index % 8] = block
            }
            for block in blocks { free(block) }
        }
        #expect(wrong.withLock { $0 } == 0)
    }

    @Test("names are addresses and nothing else")
    func names() {
        let found = open("names.zip")
        #expect(
            found.map(\.document.address) == [
                "names.zip!/../../../escape.txt", "names.zip!//etc/absolute.txt", "names.zip!/café.txt",
                "names.zip!/\u{1B}[31mred.txt",
            ])
        #expect(!FileManager.default.fileExists(atPath: Fixtures.folder + "/../../../escape.txt"))
    }
}

enum Fixtures {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
        "Fixtures"
    ).path

    static func path(_ name: String) -> String { folder + "/" + name }

    static func bytes(_ name: String) -> [UInt8] {
        [UInt8](FileManager.default.contents(atPath: path(name))!)
    }
}
