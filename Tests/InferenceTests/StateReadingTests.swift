import BundledModel
import Checkpoints
import Foundation
import Inference
import Synchronization
import Testing

/// Promises 1 and 2: a state belongs to one token position, and cold equals resumed, bit for bit.
@Suite(.serialized) struct StateReadingTests {
    /// Models with experts and latents of every token, the same with a window, and the shipped one.
    enum Model: String, CaseIterable {
        case fullAttention, window, bundled

        func engine(threads: Int = 2) throws -> Engine {
            switch self {
            case .bundled: return try Engine(modelPath: BundledModel.locate(), threads: threads)
            case .fullAttention:
                return try Engine(modelPath: EngineTests.model, threads: threads, recipe: .q4)
            case .window:
                let folder = NSTemporaryDirectory() + "/lector-window-\(UUID().uuidString)"
                defer { try? FileManager.default.removeItem(atPath: folder) }
                try FileManager.default.copyItem(atPath: EngineTests.model, toPath: folder)
                let path = folder + "/config.json"
                let config = try String(contentsOfFile: path, encoding: .utf8)
                try config.replacingOccurrences(
                    of: "\"use_cache\": true",
                    with: "\"use_cache\": true, \"sliding_window\": \(Self.windowTokens)"
                ).write(toFile: path, atomically: true, encoding: .utf8)
                return try Engine(modelPath: folder, threads: threads, recipe: .q4)
            }
        }

        static let windowTokens = 70
    }

    static let chunk = 512
    static let prefix: [Int32] = [1, 7, 9]
    static func text(_ count: Int, seed: Int = 0) -> [Int32] {
        (0..<count).map { (place: Int) -> Int32 in
            let value = place * 37 + place / 7 + seed * place * place
            return Int32(value % 256)
        }
    }

    private func read(
        _ engine: Engine, _ store: CheckpointStore?, _ tokens: [Int32], cut: Int = .max, title: String = "t",
        interval: Int = 65_536, problems: (String) -> Void = { _ in }
    ) throws -> StateReading.Finished {
        var options = StateReading.Options()
        options.intervalTokens = interval
        options.intervalSeconds = 3600
        options.rowsPerStep = 300
        let reading = try StateReading(
            engine: engine, store: store, tokenizerFingerprint: "t", prefix: Self.prefix, title: title,
            options: options)
        var told: [String] = []
        reading.onProblem = { told.append($0) }
        for at in stride(from: 0, to: tokens.count, by: min(cut, max(1, tokens.count))) {
            reading.append(tokens[at..<at + min(cut, tokens.count - at)])
        }
        let finished = try #require(try reading.finish())
        told.forEach(problems)
        return finished
    }

    @Test(
        "a restored state goes on with the bits of the uninterrupted one, at every cut",
        arguments: Model.allCases)
    func everyCut(model: Model) throws {
        let engine = try model.engine()
        let other = try model.engine(threads: 1)
        let window = engine.config.window ?? 128
        let tokens = Self.text(2 * Self.chunk + 90)
        let whole = try read(engine, nil, tokens)
        #expect(whole.cachedTokens == 0 && whole.readTokens == tokens.count + 3)
        var cuts = [0, 1, 2, 3, 4, Self.chunk - 1, Self.chunk, Self.chunk + 1, 2 * Self.chunk + 1]
        cuts += [window - 1, window, window + 1].filter { $0 < tokens.count }
        cuts += (0..<(model == .bundled ? 3 : 12)).map { _ in Int.random(in: 5..<tokens.count) }
        let away = NSTemporaryDirectory() + "/lector-cuts-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: away) }
        for cut in Set(cuts) {
            let store = CheckpointStore(MemoryFolder())
            let first = try read(engine, store, Array(tokens[..<cut]))
            #expect(first.tokens == cut + 3 && store.contains(first.key))
            // The other engine has another number of threads, and its folder only what was exported.
            let elsewhere = try CheckpointStore(folder: away + "/\(cut)")
            _ = try store.export(first.key, to: away + "/moved")
            _ = try elsewhere.importing(away + "/moved")
            for (engine, store) in [(engine, store), (other, elsewhere)] {
                let rest = try read(engine, store, tokens, cut: 61)
                #expect(rest.cachedTokens == (cut == 0 ? 0 : cut + 3), "cut \(cut)")
                #expect(rest.readTokens == tokens.count + 3 - rest.cachedTokens)
                #expect(rest.logits == whole.logits && rest.key == whole.key, "cut \(cut)")
                #expect(rest.session.serialized() == whole.session.serialized(), "cut \(cut)")
            }
        }
    }

    @Test("the same text again runs no token and knows the next token's logits")
    func again() throws {
        let engine = try Model.fullAttention.engine()
        let store = CheckpointStore(MemoryFolder())
        let tokens = Self.text(700)
        let first = try read(engine, store, tokens)
        #expect(first.miss == .nothingKept)
        let second = try read(engine, store, tokens, cut: 13)
        #expect(second.readTokens == 0 && second.cachedTokens == 703 && second.miss == nil)
        #expect(second.logits == first.logits && second.key == first.key)
    }

    @Test("a text that grew is read on; one that changed in the middle from the last state before the change")
    func growth() throws {
        let engine = try Model.window.engine()
        let store = CheckpointStore(MemoryFolder())
        let tokens = Self.text(14_000)
        let first = try read(engine, store, tokens, title: "a.log", interval: 2048)
        #expect(first.miss == .nothingKept)
        let more = try read(engine, store, tokens + Self.text(500, seed: 3), title: "a.log")
        #expect(more.cachedTokens == first.tokens && more.readTokens == 500)
        #expect(more.miss == .longer(by: 500))
        var changed = tokens
        changed[9000] ^= 1
        let late = try read(engine, store, changed, title: "a.log")
        #expect(late.miss == .differs(title: "a.log", from: 8192, to: 12_288), "\(late.miss!)")
        // States stand at about powers of two of the interval.
        #expect((4096...9003).contains(late.cachedTokens), "\(late.cachedTokens)")
        #expect(late.cachedTokens + late.readTokens == 14_003)
        #expect(late.session.serialized() == (try read(engine, nil, changed)).session.serialized())
        let foreign = try read(engine, store, Self.text(5000, seed: 9))
        #expect(foreign.cachedTokens == 0 && foreign.miss == .otherText)
        let shorter = try read(engine, store, Array(tokens[..<100]))
        #expect(shorter.cachedTokens == 0 && shorter.readTokens == 103)
    }

    @Test("an edge is kept beside the end: what stands behind it may change when the text grows")
    func edges() throws {
        let engine = try Model.window.engine()
        let store = CheckpointStore(MemoryFolder())
        func reading() throws -> StateReading {
            try StateReading(
                engine: engine, store: store, tokenizerFingerprint: "t", prefix: Self.prefix, title: "e")
        }
        let one = try reading()
        one.append(Self.text(1500))
        one.markEdge()
        one.append([5, 6])
        _ = try one.finish()
        #expect(try store.catalog().entries.map(\.summary.tokenCount).sorted() == [1503, 1505])
        let two = try reading()
        two.append(Self.text(1500) + [8, 9, 10])
        let finished = try #require(try two.finish())
        #expect(finished.cachedTokens == 1503 && finished.readTokens == 3)
    }

    @Test("states kept in bf16 are smaller, near, and never taken for exact ones")
    func rounded() throws {
        let engine = try Model.window.engine()
        let store = CheckpointStore(MemoryFolder())
        let tokens = Self.text(900)
        func read(_ tokens: some Collection<Int32>, _ precision: StatePrecision) throws
            -> StateReading.Finished
        {
            var options = StateReading.Options()
            options.precision = precision
            let reading = try StateReading(
                engine: engine, store: store, tokenizerFingerprint: "t", prefix: Self.prefix, title: "p",
                options: options)
            reading.append(tokens)
            return try #require(try reading.finish())
        }
        let exact = try read(tokens[..<600], .f32)
        let rounded = try read(tokens[..<600], .bf16)
        #expect(rounded.key != exact.key && rounded.cachedTokens == 0)
        guard case .otherIdentity("numerics class", let kept, let loaded)? = rounded.miss else {
            Issue.record("\(String(describing: rounded.miss))")
            return
        }
        #expect(loaded == kept + ", state bf16")
        let whole = try read(tokens, .f32)
        let near = try read(tokens, .bf16)
        #expect(whole.cachedTokens == 603 && near.cachedTokens == 603)
        let sizes = try [exact.key, rounded.key].map { try #require(try store.summary(of: $0)) }
        let matrices = sizes.map { $0.sections.filter { $0.name.hasPrefix("kda.") } }
        #expect(matrices[0].map(\.byteCount) == matrices[1].map { 2 * $0.byteCount })
        #expect(sizes[1].fileBytes < sizes[0].fileBytes)
        let (a, b) = (try #require(whole.logits), try #require(near.logits))
        // The random model magnifies what a trained one damps: near means the same direction here.
        let dot = { (x: [Float], y: [Float]) in zip(x, y).reduce(0.0) { $0 + Double($1.0 * $1.1) } }
        let cosine = dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
        #expect(a != b && cosine > 0.95, "\(cosine)")
    }

    @Test("a damaged state is told, set aside and replaced; the one before it is used")
    func damaged() throws {
        let folder = NSTemporaryDirectory() + "/lector-reading-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let engine = try Model.window.engine()
        let store = try CheckpointStore(folder: folder)
        let tokens = Self.text(3000)
        let early = try read(engine, store, Array(tokens[..<1000]))
        let whole = try read(engine, store, tokens)
        let path = store.path(of: whole.key)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes[bytes.count / 2] ^= 16
        try bytes.write(to: URL(fileURLWithPath: path))
        var problems: [String] = []
        let again = try read(engine, store, tokens) { problems.append($0) }
        #expect(problems.count == 1 && problems[0].contains("section"))
        #expect(again.cachedTokens == early.tokens)
        #expect(again.logits == whole.logits && again.session.serialized() == whole.session.serialized())
        #expect(FileManager.default.fileExists(atPath: path + ".damaged"))
        #expect((try read(engine, store, tokens)).readTokens == 0)
    }

    @Test("states of another model say so, with both fingerprints")
    func otherModel() throws {
        let store = CheckpointStore(MemoryFolder())
        let (q4, q8) = (
            try Model.window.engine(), try Engine(modelPath: EngineTests.model, threads: 1, recipe: .q8)
        )
        _ = try read(q4, store, Self.text(50))
        let other = try read(q8, store, Self.text(50))
        #expect(
            other.miss
                == .otherIdentity(what: "model", kept: q4.fingerprint, loaded: q8.fingerprint))
        #expect(other.cachedTokens == 0)
    }

    @Test("a reading that is told to stop keeps its place, and the next one goes on from there")
    func stopping() throws {
        let engine = try Model.window.engine()
        let store = CheckpointStore(MemoryFolder())
        let tokens = Self.text(5000)
        var options = StateReading.Options()
        options.rowsPerStep = 300
        let reading = try StateReading(
            engine: engine, store: store, tokenizerFingerprint: "t", prefix: Self.prefix, title: "s",
            options: options)
        var steps = 0
        reading.onStep = {
            steps += 1
            return steps < 7
        }
        reading.append(tokens)
        #expect(reading.isStopped)
        #expect(try reading.finish() == nil)
        let safe = try reading.stop()
        #expect(safe > 1500 && safe < 2500)
        let rest = try read(engine, store, tokens)
        #expect(rest.cachedTokens == safe)
        #expect(rest.session.serialized() == (try read(engine, nil, tokens)).session.serialized())
    }

    @Test("two texts read in turns, and a thousand forks of one, leak nothing into each other")
    func leaks() throws {
        let engine = try Model.window.engine()
        let store = CheckpointStore(MemoryFolder())
        let texts = [Self.text(900), Self.text(900, seed: 5)]
        let alone = try texts.map { try read(engine, nil, $0) }
        var options = StateReading.Options()
        options.rowsPerStep = 64
        let readings = try texts.map { _ in
            try StateReading(
                engine: engine, store: store, tokenizerFingerprint: "t", prefix: Self.prefix, title: "i",
                options: options)
        }
        for at in stride(from: 0, to: 900, by: 45) {
            for (reading, text) in zip(readings, texts) { reading.append(text[at..<at + 45]) }
        }
        for (reading, alone) in zip(readings, alone) {
            let finished = try #require(try reading.finish())
            #expect(finished.session.serialized() == alone.session.serialized())
            #expect(finished.key == alone.key)
        }
        // A thousand questions from one state, forty at a time, against each by itself.
        let base = alone[0].session
        let before = base.serialized()
        for start in stride(from: 0, to: 1000, by: 40) {
            let questions = (start..<start + 40).map { Self.text(3 + $0 % 9, seed: $0) }
            let logits = engine.advance(
                questions.map { PrefillItem(session: base.fork(), tokens: $0[...], wantsLogits: true) })
            for index in stride(from: 0, to: 40, by: 7) {
                let single = engine.advance([
                    PrefillItem(session: base.fork(), tokens: questions[index][...], wantsLogits: true)
                ])
                #expect(single[0] == logits[index])
            }
        }
        #expect(base.serialized() == before)
    }
}

/// What a reading does when its folder fails it.
@Suite(.serialized) struct FailingStoreTests {
    /// Strikes at one step of all writes.
    final class Strike: Sendable {
        let at: Int
        let fault: DiskFolder.Fault
        let count = Mutex(0)

        init(at: Int, fault: DiskFolder.Fault) {
            self.at = at
            self.fault = fault
        }

        func callAsFunction() -> DiskFolder.Fault? {
            count.withLock {
                $0 += 1
                // A full disk stays full; a death is one.
                if case .fails = fault { return $0 >= at ? fault : nil }
                return $0 == at ? fault : nil
            }
        }
    }

    private static let tokens = StateReadingTests.text(1300)

    private func reading(_ engine: Engine, _ store: CheckpointStore?) throws -> StateReading {
        var options = StateReading.Options()
        options.intervalTokens = 400
        options.rowsPerStep = 200
        return try StateReading(
            engine: engine, store: store, tokenizerFingerprint: "t", prefix: [1], title: "f", options: options
        )
    }

    @Test(
        "a reading whose process ends at any single write, fsync or rename goes on and ends in the same bits")
    func everyStep() throws {
        let engine = try StateReadingTests.Model.fullAttention.engine()
        let cold = try reading(engine, nil)
        cold.append(Self.tokens)
        let whole = try #require(try cold.finish())
        var step = 1
        while true {
            let folder = NSTemporaryDirectory() + "/lector-fail-\(UUID().uuidString)"
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let strike = Strike(at: step, fault: step % 3 == 0 ? .tears : .dies)
            let failing = CheckpointStore(try DiskFolder(folder) { _ in strike() })
            let first = try reading(engine, failing)
            first.onProblem = { _ in }
            // As a process would: nothing more is done once the strike came.
            first.onStep = { strike.count.withLock { $0 } < step }
            first.append(Self.tokens)
            let early = try? first.finish()
            let store = try CheckpointStore(folder: folder)
            #expect(try store.catalog().unreadable.isEmpty && store.catalog().damaged.isEmpty)
            let second = try reading(engine, store)
            var problems: [String] = []
            second.onProblem = { problems.append($0) }
            second.append(Self.tokens)
            let end = try #require(try second.finish())
            #expect(problems.isEmpty, "step \(step): \(problems)")
            #expect(end.logits == whole.logits && end.session.serialized() == whole.session.serialized())
            if early != nil, strike.count.withLock({ $0 }) < step { break }
            step += 1
        }
        #expect(step > 15)
    }

    @Test(
        "on a full disk the text is read all the same; at the end the error is typed, and states of before are whole"
    )
    func full() throws {
        let engine = try StateReadingTests.Model.window.engine()
        let folder = NSTemporaryDirectory() + "/lector-full-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let strike = Strike(at: 8, fault: .fails(ENOSPC))
        let first = try reading(engine, CheckpointStore(try DiskFolder(folder) { _ in strike() }))
        var problems: [String] = []
        first.onProblem = { problems.append($0) }
        first.append(Self.tokens)
        #expect(
            performing: { try first.finish() },
            throws: { "\($0)".contains("No space") && $0 is CheckpointError })
        #expect(!problems.isEmpty && problems[0].contains("No space"))
        let store = try CheckpointStore(folder: folder)
        let catalog = try store.catalog()
        #expect(catalog.entries.count == 1 && catalog.leftovers.isEmpty)
        for entry in catalog.entries { try store.verify(entry.summary.key) }
        let second = try reading(engine, store)
        second.append(Self.tokens)
        let end = try #require(try second.finish())
        #expect(end.cachedTokens == catalog.entries[0].summary.tokenCount)
    }
}
