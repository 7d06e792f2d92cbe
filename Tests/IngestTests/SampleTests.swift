import Documents
import Foundation
import Ingest
import Testing

/// The shared collection of real and hostile files, where a developer has it: `shared/data` in a
/// folder around the repository.
enum Collection {
    static let families = ["mime", "html", "xml", "encodings", "office", "tnef", "archives"]

    static let folder: String? = {
        var folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        while folder.path != "/" {
            let candidate = folder.appendingPathComponent("shared/data/ingest-samples").path
            if FileManager.default.fileExists(atPath: candidate + "/manifest.jsonl") { return candidate }
            folder.deleteLastPathComponent()
        }
        return nil
    }()

    /// Unpacks a family into a folder that the caller removes.
    static func unpack(_ family: String) throws -> URL {
        let target = FileManager.default.temporaryDirectory.appendingPathComponent(
            "lector-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
        let tar = Process()
        tar.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        tar.arguments = ["tar", "xJf", "\(folder!)/\(family).tar.xz", "-C", target.path]
        try tar.run()
        tar.waitUntilExit()
        #expect(tar.terminationStatus == 0)
        return target
    }

    static func files(in folder: URL) -> [String] {
        let base = folder.path + "/"
        let all = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: [.isRegularFileKey])!
        return all.compactMap { $0 as? URL }
            .filter { (try? $0.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile) == true }
            .map { String($0.path.dropFirst(base.count)) }.sorted()
    }

    /// What is not simply `ok`: path and statuses, as `Samples/exceptions.tsv` lists it.
    static func exceptions() throws -> [String: Set<String>] {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Samples/exceptions.tsv")
        var result: [String: Set<String>] = [:]
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
            let fields = line.split(separator: "\t").map(String.init)
            if fields.count >= 2 { result[fields[0]] = Set(fields[1].split(separator: " ").map(String.init)) }
        }
        return result
    }
}

@Suite(.serialized, .enabled(if: Collection.folder != nil)) struct SampleTests {
    private static func peakMemory() -> Int {
        var usage = rusage()
        getrusage(0, &usage)  // RUSAGE_SELF
        return usage.ru_maxrss << 10
    }

    @Test("each sample ends as it is written down, in 10 s, within memory", arguments: Collection.families)
    func endings(family: String) throws {
        let folder = try Collection.unpack(family)
        defer { try? FileManager.default.removeItem(at: folder) }
        let exceptions = try Collection.exceptions()
        var options = IngestOptions()
        options.opensAttachments = true
        let before = Self.peakMemory()
        for path in Collection.files(in: folder) {
            let start = ContinuousClock.now
            let found = readAll(DocumentStream(inputs: [folder.path + "/" + path], options: options))
            #expect(ContinuousClock.now - start < .seconds(10), "\(path)")
            #expect(!found.isEmpty, "\(path)")
            let allowed = exceptions[path] ?? []
            for document in found where document.status != .ok {
                // A program that is not installed here is named in the row.
                let isMissing = document.end.warnings.contains { $0.contains("apt-get install") }
                let status = document.status.description
                #expect(
                    allowed.contains(status) || isMissing,
                    "\(document.document.address): \(document.end.warnings)")
            }
        }
        #expect(Self.peakMemory() - before < 300 << 20)
    }

    @Test(
        "cuts change nothing, text that is a slice of its file is that slice, and text is what the bytes decode to that it names",
        arguments: Collection.families)
    func invariance(family: String) throws {
        let folder = try Collection.unpack(family)
        defer { try? FileManager.default.removeItem(at: folder) }
        var generator = SeededGenerator(state: 3)
        for (index, path) in Collection.files(in: folder).enumerated() {
            let bytes =
                FileManager.default.contents(atPath: folder.path + "/" + path).map { [UInt8]($0) } ?? []
            // Programs of the system are not asked again and again.
            let isTool =
                bytes.starts(with: [0xD0, 0xCF, 0x11, 0xE0]) || bytes.starts(with: Array("%PDF".utf8))
                || bytes.starts(with: Array("xar!".utf8)) || bytes.starts(with: Array("!BDN".utf8))
            if isTool || bytes.count > 1 << 20 { continue }
            let whole = readChecked(bytes)
            if bytes.count < 40_000, index % 4 == 0 { #expect(read(bytes, cuts: [1]) == whole, "\(path)") }
            let cuts = (0..<30).map { _ in Int.random(in: 1...3000, using: &generator) }
            #expect(read(bytes, cuts: cuts) == whole, "\(path)")
        }
    }

    /// Reads bytes as one piece and compares what says to be a slice of them.
    private func readChecked(_ bytes: [UInt8]) -> [ReadDocument] {
        var isGiven = false
        let stream = DocumentStream(address: "input") {
            defer { isGiven = true }
            return isGiven ? nil : bytes
        }
        while let event = stream.next() {
            guard case .text(let chunk) = event else { continue }
            if let source = chunk.source {
                #expect(source.start >= 0 && source.end <= bytes.count)
                #expect(Array(bytes[source.start..<source.end]) == chunk.utf8)
            }
            // What lies in archives and attachments is named by them, and is not at hand here.
            for origin in chunk.origins where origin.container == "input" {
                #expect(OriginReference.holds(origin, chunk, bytes), "\(origin)")
            }
        }
        return read(bytes)
    }
}

/// SplitMix64, so that a failure comes again.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
