import Glibc
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
}
