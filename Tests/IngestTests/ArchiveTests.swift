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

    @Test(
        "uuencoded files are unpacked, with a mode of three digits or four",
        arguments: ["644", "0744", "1644"])
    func uuencoded(mode: String) {
        let text = Array(String(repeating: "A line of the text.\n", count: 9).utf8)  // 4 full lines
        var file = Array("begin \(mode) note.txt\n".utf8)
        for line in stride(from: 0, to: text.count, by: 45) {
            file.append(0x20 + 45)
            for index in stride(from: line, to: line + 45, by: 3) {
                let bits = Int(text[index]) << 16 | Int(text[index + 1]) << 8 | Int(text[index + 2])
                for shift in [18, 12, 6, 0] {
                    let six = UInt8(bits >> shift & 63)
                    file.append(six == 0 ? 0x60 : 0x20 + six)
                }
            }
            file.append(0x0A)
        }
        file += Array("`\nend\n".utf8)
        let whole = read(file, address: "note.uue")
        #expect(whole.map(\.status) == [.ok] && Array(whole[0].text.utf8) == text)
        #expect(read(file, address: "note.uue", cuts: [1]) == whole)
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
