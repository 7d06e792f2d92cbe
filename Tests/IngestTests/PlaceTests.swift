import Documents
import Foundation
import Ingest
import Testing

/// Streams that begin in the middle.
@Suite struct PlaceTests {
    /// Reads everything, and at each place that was found everything from there on again.
    ///
    /// - Parameter most: Places that are tried, spread evenly.
    /// - Returns: How many places there were.
    @discardableResult
    private func check(_ inputs: [String], options: IngestOptions = .init(), most: Int = 200) -> Int {
        var places: [(number: Int, place: StreamPlace)] = []
        var number = -1
        var hasStruckLimit = false
        let finding = DocumentStream(inputs: inputs, options: options, findsPlaces: true)
        while let event = finding.next() {
            hasStruckLimit = finding.hasStruckLimit() || hasStruckLimit
            guard case .begin(let document) = event else { continue }
            number += 1
            guard let place = finding.place else { continue }
            #expect(place.item == document.address)
            places.append((number, place))
        }
        hasStruckLimit = finding.hasStruckLimit() || hasStruckLimit
        let whole = readAll(DocumentStream(inputs: inputs, options: options))
        #expect(whole.count == number + 1)
        // An archive with something in it that cannot be read is no place to begin in.
        let isWhole =
            !hasStruckLimit
            && whole.allSatisfy {
                switch $0.status {
                case .failed, .partial: false
                default: true
                }
            }
        for index in stride(from: 0, to: places.count, by: max(1, places.count / most)) {
            let (number, place) = places[index]
            if !isWhole, place.archive != nil { continue }
            guard let stream = DocumentStream(inputs: inputs, options: options, at: place) else {
                Issue.record("\(place) is lost")
                continue
            }
            let rest = readAll(stream)
            // A program that says nothing for long is given up, on a busy machine sooner than on an idle one, and
            // readpst makes up new boundaries each time.
            let other = zip(rest, whole[number...]).first {
                $0 != $1 && !$0.document.address.contains(".pst!/")
                    && ![$0, $1].contains { $0.status.description.hasSuffix("limit.time") }
            }
            #expect(
                rest.count == whole.count - number && other == nil,
                "\(place), then \(String(describing: other))")
        }
        return places.count
    }

    private func withFolder(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "lector-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }

    @Test("from each place on, all fixtures read as they do from their start")
    func fixtures() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Fixtures.folder).sorted()
        for name in names { check([Fixtures.path(name)]) }
        #expect(check([Fixtures.path("nested.zip"), Fixtures.folder, Fixtures.path("inbox.mbox.gz")]) > 40)
        // One place for each mail and each entry, through all containers.
        #expect(check([Fixtures.path("nested.zip")]) == 5)
        #expect(check([Fixtures.path("many.tar")]) > 10)
        var options = IngestOptions()
        options.opensAttachments = true
        check([Fixtures.folder], options: options)
    }

    @Test("each mail of a mailbox is a place, whatever the dividers and however long the mails")
    func mailbox() throws {
        try withFolder { folder in
            var generator = SeededGenerator(state: 5)
            var text = "\n"
            for number in 1...120 {
                let from = ["From a@b Mon Mar  2 09:41:30 2026\n", "From a@b\n"].randomElement(
                    using: &generator)!
                text += from + "From: a@b\nSubject: \(number)\n"
                let lines = (0..<Int.random(in: 0...60, using: &generator)).map { _ in
                    [
                        "plain line", ">From quoted", "From what I hear", "",
                        String(repeating: "x", count: 999),
                    ]
                    .randomElement(using: &generator)!
                }
                var body = lines.joined(separator: "\n") + "\n"
                if number % 7 == 0 { body += "\nFrom a@b Mon Mar  2 09:41:30 2026\nFrom: within\n\nx\n" }
                // Longer than the buffer, so that what is in it differs from place to place.
                if number % 50 == 0 { body += String(repeating: "long line\n", count: 60_000) }
                if number % 7 == 0 { text += "Content-Length: \(body.utf8.count)\n" }
                text += "\n" + body + (number % 11 == 0 ? "" : "\n")
            }
            let file = folder.appendingPathComponent("inbox.mbox")
            try text.write(to: file, atomically: false, encoding: .utf8)
            #expect(check([file.path]) > 115)
            try Data(text.replacing("\n", with: "\r\n").utf8).write(to: file)
            #expect(check([file.path]) > 100)
        }
    }

    @Test("folders in folders, with links and what cannot be read; their limit strikes where it did")
    func folders() throws {
        try withFolder { folder in
            for name in [
                "a/1.txt", "a/b/2.txt", "a/b/3.mbox", "c/4.txt", "d/cur/5", "d/new/6", "d/tmp/7", "e",
            ] {
                let file = folder.appendingPathComponent(name)
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                let mail = "From a@b Mon Mar  2 09:41:30 2026\nFrom: a@b\n\n\(name)\n\n"
                try (mail + mail).write(to: file, atomically: false, encoding: .utf8)
            }
            symlink("..", folder.path + "/a/b/back")
            mkfifo(folder.path + "/c/fifo", 0o600)
            #expect(check([folder.path, "missing", folder.path + "/a/"]) > 20)
            var options = IngestOptions()
            for limit in 5...14 {
                options.limits.maxEntries = limit
                check([folder.path], options: options)
            }
        }
    }

    @Test("another file at the place is noticed, and so is a step that nobody takes")
    func lost() throws {
        try withFolder { folder in
            let file = folder.appendingPathComponent("inbox.mbox")
            let mail = "From a@b Mon Mar  2 09:41:30 2026\nFrom: a@b\n\nbody\n\n"
            func write(_ text: String) throws { try text.write(to: file, atomically: false, encoding: .utf8) }
            try write(mail + mail)
            let stream = DocumentStream(inputs: [file.path], findsPlaces: true)
            var places: [StreamPlace] = []
            while let event = stream.next() { if case .begin = event { places.append(stream.place!) } }
            #expect(places.count == 2 && places[1].steps[1] == [mail.utf8.count, 2, 6])
            try write("x" + mail + mail)
            #expect(DocumentStream(inputs: [file.path], at: places[1]) == nil)
            try write(mail)
            #expect(DocumentStream(inputs: [file.path], at: places[1]) == nil)
            #expect(DocumentStream(inputs: [], at: places[1]) == nil)
            for step in [[], [-1, 2, 6], [0, 2], [Int.max, 2, 6]] {
                var place = places[1]
                place.steps[1] = step
                #expect(DocumentStream(inputs: [file.path], at: place) == nil)
            }
            var place = places[0]
            place.steps.append([1])
            #expect(DocumentStream(inputs: [file.path], at: place) == nil)
            place.steps = [[99]]
            #expect(DocumentStream(inputs: [file.path], at: place) == nil)
        }
    }

    @Test(
        "the collection of real and hostile files", .enabled(if: Collection.folder != nil),
        arguments: ["mime", "archives"])
    func collection(family: String) throws {
        let folder = try Collection.unpack(family)
        defer { try? FileManager.default.removeItem(at: folder) }
        for file in Collection.files(in: folder) {
            let path = folder.appendingPathComponent(file).path
            let size = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
            check([path], most: size > 1 << 20 ? 4 : 40)
        }
        check([folder.path], most: 5)
    }
}
