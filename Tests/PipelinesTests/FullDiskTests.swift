import Glibc
import JSON
import Testing

/// A disk that really is full, under the run folder itself: a small tmpfs.
@Suite("A disk that fills up", .serialized, .enabled(if: LectorBinary.path != nil))
struct FullDiskTests {
    /// A tmpfs of so many KiB for the time of `body`; nil when this process may not mount.
    private static func onSmallDisk<Result>(
        _ kibibytes: Int, at path: String, _ body: () throws -> Result
    ) rethrows -> Result? {
        mkdir(path, 0o700)
        guard mount("tmpfs", path, "tmpfs", 0, "size=\(kibibytes)k,mode=0700") == 0 else { return nil }
        defer { umount2(path, Int32(MNT_DETACH)) }
        return try body()
    }

    private static let mayMount: Bool = {
        let folder = TemporaryFolder()
        return onSmallDisk(64, at: folder.file("disk")) { true } ?? false
    }()

    @Test(
        "a run folder without space ends with 74 and goes on, byte for byte, once there is space",
        .enabled(if: mayMount, "mounting needs root"), arguments: [4, 12, 20, 28])
    func journal(freeKibibytes: Int) throws {
        let folder = TemporaryFolder()
        let lector = LectorBinary(work: folder)
        TinyModel.write(to: folder.file("model"))
        folder.write(KillTests.mailbox(), to: "inbox.mbox")
        let base = ["classify", "inbox.mbox", "--model", "model", "--progress", "none"]
        let whole = lector.run(base + ["--run", "whole", "-o", "whole.jsonl"])
        #expect(whole.status == 1, "hostile messages are rows that are not ok: \(whole.err)")

        _ = try Self.onSmallDisk(256, at: folder.file("disk")) {
            folder.write(String(repeating: "x", count: (256 - freeKibibytes) << 10), to: "disk/filler")
            let command = base + ["--run", "disk/run", "-o", "part.jsonl"]
            let full = lector.run(command)
            #expect(full.status == 74, "\(full.err)")
            #expect(full.err.contains("no space is left"), "\(full.err)")
            #expect(access(folder.file("part.jsonl"), F_OK) != 0, "no result before its time")
            let kept = lector.rows("disk/run")
            #expect(kept < KillTests.messages)

            unlink(folder.file("disk/filler"))
            let resumed = lector.run(command)
            #expect(resumed.status == 1, "\(resumed.err)")
            #expect(lector.bytes("part.jsonl") == lector.bytes("whole.jsonl"))
        }
    }

    private static let read = [
        "read", "story.txt", "--model", "model", "--json", "--progress", "none", "--checkpoint-tokens",
        "1024",
    ]

    private static func prepared() -> LectorBinary {
        let lector = LectorBinary(work: TemporaryFolder())
        TinyModel.write(to: lector.work.file("model"))
        lector.work.write(LongTextTests.story(900), to: "story.txt")
        return lector
    }

    private static func state(_ result: LectorBinary.Result) throws -> String? {
        try JSONValue(parsing: Array(result.out.utf8))["state"]?.string
    }

    @Test(
        "states on a disk that fills up: 74 and what is missing; once there is space, the state of an empty disk",
        .enabled(if: mayMount, "mounting needs root"), arguments: [8, 64, 256, 512])
    func states(freeKibibytes: Int) throws {
        let lector = Self.prepared()
        let whole = try #require(try Self.state(lector.run(Self.read)))
        let command = Self.read + ["--state-dir", "disk"]
        _ = try Self.onSmallDisk(8192, at: lector.work.file("disk")) {
            lector.work.write(String(repeating: "x", count: (8192 - freeKibibytes) << 10), to: "disk/filler")
            let full = lector.run(command)
            #expect(full.status == 74, "\(full.out) \(full.err)")
            #expect(full.err.contains("space") || full.err.contains("disk is full"), "\(full.err)")
            #expect(lector.run(["states", "verify", "--state-dir", "disk"]).status == 0)
            unlink(lector.work.file("disk/filler"))
            let resumed = lector.run(command)
            #expect(resumed.status == 0, "\(resumed.err)")
            let state = try Self.state(resumed)
            #expect(state == whole, "\(resumed.err)")
            #expect(
                lector.bytes("disk/states/\(whole).state")
                    == lector.bytes("state/lector/states/\(whole).state"))
        }
    }

    @Test(
        "states that nobody may write to answer questions; reading says what is wrong and loses nothing",
        .enabled(if: mayMount, "mounting needs root"))
    func readOnly() throws {
        let lector = Self.prepared()
        _ = try Self.onSmallDisk(8192, at: lector.work.file("disk")) {
            let command = Self.read + ["--state-dir", "disk"]
            #expect(lector.run(command).status == 0)
            let path = lector.work.file("disk")
            #expect(mount(nil, path, nil, UInt(MS_REMOUNT | MS_RDONLY), "mode=0700") == 0)
            let again = lector.run(command)
            #expect(again.status == 74 && again.err.contains("Read-only"), "\(again.err)")
            let asked = lector.run([
                "ask", "--state", "story.txt", "--model", "model", "--state-dir", "disk", "-q",
                "What of day 3?",
                "--answer-tokens", "4",
            ])
            #expect(asked.status == 0, "\(asked.err)")
            #expect(lector.run(["states", "verify", "--state-dir", "disk"]).status == 0)
            #expect(lector.run(["states", "gc", "--budget", "1", "--state-dir", "disk"]).status == 74)
        }
    }

    @Test("a folder of states that vanishes under a reading is an I/O error, and a new one starts well")
    func vanished() throws {
        let lector = Self.prepared()
        let child = lector.start(Self.read)
        var tries = 0
        while access(lector.work.file("state/lector/states/lock"), F_OK) != 0, tries < 5000 {
            usleep(1000)
            tries += 1
        }
        TemporaryFolder.remove(lector.work.file("state"))
        let result = lector.wait(child)
        #expect(result.status == 74, "\(result.out) \(result.err)")
        #expect(result.err.contains("cannot"), "\(result.err)")
        #expect(lector.run(Self.read).status == 0)
    }
}
