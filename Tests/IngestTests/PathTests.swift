import Documents
import Foundation
import Ingest
import Testing

@Suite struct PathTests {
    /// A folder that is removed afterwards.
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "/lector-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    @Test("inputs that cannot be read are rows, and the others are read")
    func rows() throws {
        try withFolder { folder in
            try "text\n".write(toFile: folder + "/a.txt", atomically: false, encoding: .utf8)
            try "".write(toFile: folder + "/empty", atomically: false, encoding: .utf8)
            mkfifo(folder + "/fifo", 0o600)
            symlink("self", folder + "/self")
            let inputs = ["a.txt", "empty", "missing", "fifo", "self", "a.txt"].map { folder + "/" + $0 }
            let found = readAll(DocumentStream(inputs: inputs + ["/dev/null", ""]))
            #expect(
                found.map(\.status) == [
                    .ok, .skipped(.empty), .failed(.missing), .skipped(.unsupported), .failed(.cycle), .ok,
                    .skipped(.unsupported), .failed(.missing),
                ])
        }
    }

    @Test("a folder is read in the order of its names, and links that lead back are rows")
    func folders() throws {
        try withFolder { folder in
            try FileManager.default.createDirectory(atPath: folder + "/b", withIntermediateDirectories: true)
            for name in ["c.txt", "a.txt", ".hidden", "b/x.txt"] {
                try "\(name)\n".write(toFile: folder + "/" + name, atomically: false, encoding: .utf8)
            }
            symlink("..", folder + "/b/back")
            let found = readAll(DocumentStream(inputs: [folder + "/"]))
            #expect(
                found.map { $0.document.address.dropFirst(folder.count) } == [
                    "/.hidden", "/a.txt", "/b/back", "/b/x.txt", "/c.txt",
                ])
            #expect(found[2].status == .failed(.cycle))
            var options = IngestOptions()
            options.includesHidden = false
            #expect(readAll(DocumentStream(inputs: [folder], options: options)).count == 4)
            options.limits.maxEntries = 2
            #expect(
                readAll(DocumentStream(inputs: [folder], options: options)).map(\.status) == [
                    .failed(.limitEntries)
                ])
        }
    }

    @Test("what may not be read is a row", .enabled(if: geteuid() != 0))
    func unreadable() throws {
        try withFolder { folder in
            try "x".write(toFile: folder + "/a", atomically: false, encoding: .utf8)
            chmod(folder + "/a", 0)
            #expect(readAll(DocumentStream(inputs: [folder + "/a"])).map(\.status) == [.failed(.unreadable)])
        }
    }

    @Test("a Maildir is its mails, Maildir++ its folders too; MH goes by number")
    func mailFolders() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "lector-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        func write(_ path: String) throws {
            let file = folder.appendingPathComponent(path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try "From: a@b.example\nSubject: \(path)\n\nx\n".write(
                to: file, atomically: true, encoding: .utf8)
        }
        for path in [
            "box/cur/1:2,S", "box/new/2", "box/tmp/3", "box/dovecot-uidlist", "box/.Sent/cur/4",
            "box/.Sent/new/5",
            "box/.Sent/tmp/6", "mh/2", "mh/10", "mh/.mh_sequences",
        ] { try write(path) }
        for hidden in [true, false] {
            var options = IngestOptions()
            options.includesHidden = hidden
            let found = readAll(
                DocumentStream(inputs: ["box", "mh"].map { folder.path + "/" + $0 }, options: options))
            #expect(
                found.compactMap { $0.document.first("subject") } == [
                    "box/.Sent/cur/4", "box/.Sent/new/5", "box/cur/1:2,S", "box/new/2", "mh/2", "mh/10",
                ])
        }
    }
}
