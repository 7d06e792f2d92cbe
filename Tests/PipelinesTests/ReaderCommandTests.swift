import Foundation
import Glibc
import JSON
import Testing

/// `lector` reads inputs in a process of its own kind: what ends that one costs a row.
@Suite("The process that reads", .serialized, .enabled(if: LectorBinary.path != nil))
struct ReaderCommandTests {
    private let lector = LectorBinary(work: TemporaryFolder())

    /// The process that reads for `pid`, once there is one.
    private func findReader(of pid: pid_t) -> pid_t? {
        for _ in 0..<5000 {
            let path = "/proc/\(pid)/task/\(pid)/children"
            let children = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
            for child in children.split(separator: " ").compactMap({ pid_t($0) })
            where isAlive(child)
                && (try? String(contentsOfFile: "/proc/\(child)/comm", encoding: .utf8)) == "lector-reader\n"
            {
                return child
            }
            usleep(1000)
        }
        return nil
    }

    /// The process that reads for `pid`, amid what is longer than all that can be on its way between the two.
    private func readerAmid(_ pid: pid_t) throws -> pid_t {
        let reader = try #require(findReader(of: pid))
        kill(pid, SIGSTOP)
        var quiet = 0
        for _ in 0..<10_000 where quiet < 50 {
            let text = (try? String(contentsOfFile: "/proc/\(reader)/stat", encoding: .utf8)) ?? ""
            quiet = text.contains(") S ") ? quiet + 1 : 0
            usleep(1000)
        }
        return reader
    }

    private func isAlive(_ pid: pid_t) -> Bool {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
        return !text.isEmpty && !text.contains(") Z ")
    }

    private func isGone(_ pid: pid_t) -> Bool {
        for _ in 0..<3000 {
            if !isAlive(pid) { return true }
            usleep(1000)
        }
        return false
    }

    private func statuses() -> [String] {
        lector.text("stdout").split(separator: "\n").map {
            (try? JSONValue(parsing: Array($0.utf8)))?["status"]?.string ?? "not JSON"
        }
    }

    private func write(long lines: Int) {
        mkdir(lector.work.file("input"), 0o700)
        lector.work.write("one\n", to: "input/1.txt")
        lector.work.write(String(repeating: "a line of a long text\n", count: lines), to: "input/2.txt")
        lector.work.write("three\n", to: "input/3.txt")
    }

    @Test("killed amid a long document: rows out are documents in, and the exit status is 1")
    func documents() throws {
        write(long: 3_000_000)
        let pid = lector.start(["documents", "input"])
        kill(try readerAmid(pid), SIGKILL)
        kill(pid, SIGCONT)
        #expect(lector.wait(pid).status == 1)
        #expect(statuses() == ["ok", "failed.crashed", "ok"])
        #expect(lector.text("stdout").contains("signal 9"))
    }

    @Test("killed while the model reads: the same for classify, which ends with every row")
    func classify() throws {
        TinyModel.write(to: lector.work.file("model"))
        write(long: 3_000_000)
        let pid = lector.start([
            "classify", "input", "--model", "model", "--labels", "a,b", "--max-tokens", "3000",
            "--progress", "none",
        ])
        // The first one counts the input, the second reads for the model.
        let first = try #require(findReader(of: pid))
        #expect(isGone(first))
        kill(try readerAmid(pid), SIGKILL)
        kill(pid, SIGCONT)
        let result = lector.wait(pid)
        #expect(result.status == 1, "\(result.err)")
        #expect(statuses().count == 3)
        #expect(statuses()[1] == "failed.crashed")
    }

    @Test("without a parent there is no reader: killed, or stopped by Ctrl-C of the whole group")
    func parents() throws {
        write(long: 3_000_000)
        for signal in [SIGKILL, SIGINT, SIGTERM] {
            let pid = lector.start(["documents", "input"])
            let reader = try #require(findReader(of: pid))
            kill(reader, SIGINT)
            kill(reader, SIGTERM)
            usleep(20_000)
            #expect(isAlive(reader))
            kill(pid, signal)
            _ = lector.wait(pid)
            #expect(isGone(reader), "\(signal)")
        }
    }

    @Test("it has three descriptors of its parent and no other")
    func descriptors() throws {
        write(long: 3_000_000)
        let pid = lector.start(
            shell: "exec 9</etc/hostname; exec \"$@\"", [LectorBinary.path!, "documents", "input"])
        let reader = try #require(findReader(of: pid))
        let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(reader)/fd").compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(reader)/fd/\($0)")
        }
        #expect(!open.contains { $0.contains("hostname") || $0.contains("stdout") }, "\(open)")
        #expect(open.contains { $0.contains("socket") })
        kill(pid, SIGKILL)
        _ = lector.wait(pid)
    }

    @Test("standard input as a file is read again after a crash, as a pipe it ends there")
    func standardInput() throws {
        lector.work.write("after\n", to: "after.txt")
        var box = ""
        for number in 0..<3 {
            box += "From a@b Mon Mar  2 09:41:30 2026\nFrom: a@b.example\nSubject: \(number)\n\n"
            box += String(repeating: "a line of a mail\n", count: number == 1 ? 3_000_000 : 3) + "\n"
        }
        lector.work.write(box, to: "box")
        for (shell, rows) in [
            ("exec \"$@\" <box", ["ok", "failed.crashed", "ok", "ok"]),
            ("cat box | exec \"$@\"", ["ok", "failed.crashed", "ok"]),
        ] {
            let arguments = [LectorBinary.path!, "documents", "--max-message", "100M", "-", "after.txt"]
            let pid = lector.start(shell: shell, arguments)
            // The second pipeline's shell is the parent.
            var parent = pid
            if shell.hasPrefix("cat") {
                for _ in 0..<1000 where parent == pid {
                    let children =
                        (try? String(contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .utf8))
                        ?? ""
                    for child in children.split(separator: " ").compactMap({ pid_t($0) })
                    where (try? String(contentsOfFile: "/proc/\(child)/comm", encoding: .utf8)) == "lector\n"
                    {
                        parent = child
                    }
                    usleep(1000)
                }
            }
            kill(try readerAmid(parent), SIGKILL)
            kill(parent, SIGCONT)
            #expect(lector.wait(pid).status == 1)
            #expect(statuses() == rows, "\(shell): \(statuses())")
        }
    }
}
