import Documents
import Glibc
import JSON
import Pipelines
import Testing

@Suite("The journal of a run")
struct JournalTests {
    private func record(_ index: Int, _ text: String = "x") -> Journal.Record {
        Journal.Record(
            index: index, key: index == 0 ? nil : "k\(index)", contentDigest: "d\(index)", work: 10 + index,
            source: index == 1 ? nil : SourceSpan(start: index, end: index + 5),
            row: .object([JSONMember("item", .string("\(text)\(index)\n\u{1B}é"))]))
    }

    private func open(_ path: String) throws -> (Journal, [Journal.Record]) {
        var seen: [Journal.Record] = []
        let journal = try Journal(path) { record, _ in seen.append(record) }
        return (journal, seen)
    }

    @Test("records come back whole and in order, from a private file")
    func roundTrip() throws {
        let folder = TemporaryFolder()
        let path = folder.file("journal")
        let written = [record(2), record(0), record(1)]
        do {
            let (journal, seen) = try open(path)
            #expect(seen.isEmpty)
            for record in written {
                let place = try journal.append(record)
                #expect(try journal.record(at: place) == record)
            }
        }
        let (journal, seen) = try open(path)
        #expect(seen == written)
        #expect(journal.recovery.records == 3 && journal.recovery.tornBytes == 0)
        #expect(mode(of: path) == 0o600)
    }

    @Test("a last line torn at any byte is cut off, and the next record follows the one before")
    func torn() throws {
        let folder = TemporaryFolder()
        let kept = Journal.encode(record(0)) + Journal.encode(record(1))
        let last = Journal.encode(record(2, "a longer one, "))
        for cut in 0..<last.count {
            let path = folder.write(kept + last[..<cut], to: "journal")
            do {
                let (journal, seen) = try open(path)
                #expect(seen == [record(0), record(1)], "cut at \(cut)")
                #expect(journal.recovery.tornBytes == cut)
                #expect(journal.recovery.damagedLines == 0)
                try journal.append(record(2, "a longer one, "))
            }
            #expect(try FileSystem.read(path) == kept + last, "cut at \(cut)")
        }
    }

    @Test("a line damaged within is left out and the old file kept", arguments: [3, 12, 40])
    func damaged(at offset: Int) throws {
        let folder = TemporaryFolder()
        var bytes = Journal.encode(record(0)) + Journal.encode(record(1)) + Journal.encode(record(2))
        bytes[Journal.encode(record(0)).count + offset] ^= 1
        let path = folder.write(bytes, to: "journal")
        let (journal, seen) = try open(path)
        #expect(seen == [record(0), record(2)])
        #expect(journal.recovery.damagedLines == 1)
        let aside = try #require(journal.recovery.setAside)
        #expect(try FileSystem.read(aside) == bytes)
    }

    @Test("a disk that is full is an error with the cause, and exit status 74")
    func full() throws {
        do {
            let file = try AtomicFile("/dev/full")
            try file.write(String(repeating: "x", count: 100))
            try file.commit()
            Issue.record("it was written")
        } catch {
            #expect(error.description.contains("no space is left"))
            #expect(error.exitStatus == 74)
        }
    }

    @Test("rows finished in any order come out in input order, once each")
    func order() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<50 {
            let indices = Array(0..<20).shuffled(using: &generator)
            var order = OrderedRows()
            var out: [Int] = []
            for index in indices + [3, 7] {
                order.add(index: index, place: .init(offset: index, length: 1)) { out.append($0.offset) }
            }
            #expect(out == Array(0..<20))
        }
    }

    @Test("finished rows: a watermark and what lies beyond")
    func finished() {
        var rows = FinishedRows()
        for index in [3, 0, 1, 5] {
            let isNew = rows.insert(index)
            #expect(isNew)
        }
        let again = rows.insert(1)
        #expect(!again)
        #expect(rows.count == 4)
        #expect([0, 1, 3, 5].allSatisfy { rows.contains($0) } && ![2, 4, 6].contains { rows.contains($0) })
        rows.insert(2)
        #expect(rows.contains(2) && rows.count == 5)
    }

    @Test("the work counter knows what was read in vain, over several stops")
    func work() throws {
        let folder = TemporaryFolder()
        let path = folder.file("work")
        var first = try WorkCounter(path: path)
        let lostFirst = try first.settle(kept: 0)
        #expect(lostFirst == 0)
        try first.willRead(500)
        try first.willRead(300)
        var second = try WorkCounter(path: path)
        let lostSecond = try second.settle(kept: 600)
        #expect(lostSecond == 200)
        try second.willRead(50)
        var third = try WorkCounter(path: path)
        let lostThird = try third.settle(kept: 600)
        #expect(lostThird == 50)
        #expect(third.total == 850 && third.lost == 250)
    }
}
