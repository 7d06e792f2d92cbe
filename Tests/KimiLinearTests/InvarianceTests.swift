import Foundation
import KimiLinear
import Testing
import WeightFiles

/// A model of the golden checkpoint in one recipe, with or without a window.
struct Variant: CustomTestStringConvertible, Sendable {
    let recipe: Recipe
    let window: Int?
    var testDescription: String { "\(recipe.rawValue), window \(window.map(String.init) ?? "none")" }

    static let all = Recipe.allCases.flatMap {
        [Variant(recipe: $0, window: nil), Variant(recipe: $0, window: 70)]
    }

    func model(threads: Int, chunkRows: Int = 128) throws -> KimiLinearModel {
        try Golden.model(recipe: recipe, threads: threads, window: window, chunkRows: chunkRows)
    }
}

@Suite(.serialized) struct InvarianceTests {
    /// More than two internal chunks and five blocks of keys.
    static let tokens: [Int32] = Golden.tokens + Golden.tokens[0..<37]

    @Test("any cut into calls or chunks gives the same bits of logits and state", arguments: Variant.all)
    func cuts(variant: Variant) throws {
        let model = try variant.model(threads: 2)
        let whole = try model.read(Self.tokens)
        for seed in 1...3 {
            var generator = SplitMix(seed: UInt64(seed))
            let model = try variant.model(threads: 2, chunkRows: [128, 64, 41][seed - 1])
            let state = model.makeState()
            var logits: [[Float]] = []
            var at = 0
            while at < Self.tokens.count {
                // Token by token around the window's edge, then random.
                let longest = at < 150 ? [1, 70, 300][seed - 1] : [16, 70, 300][seed - 1]
                let count = min(Self.tokens.count - at, 1 + Int(generator.next() % UInt64(longest)))
                logits += try model.read(Array(Self.tokens[at..<at + count]), from: state).logits
                at += count
            }
            #expect(state.serialized() == whole.state)
            #expect(sameBits(logits, whole.logits))
        }
    }

    @Test("any number of threads gives the same bits", arguments: Variant.all)
    func threads(variant: Variant) throws {
        let one = try variant.model(threads: 1).read(Self.tokens)
        for threads in [2, 3] {
            let other = try variant.model(threads: threads).read(Self.tokens)
            #expect(other.state == one.state)
            #expect(sameBits(other.logits, one.logits))
        }
    }

    @Test("neighbours in a batch change no bit", arguments: Variant.all)
    func batches(variant: Variant) throws {
        let model = try variant.model(threads: 2)
        let ranges = [0..<1, 5..<305, 40..<41, 100..<163, 100..<164, 200..<265, 0..<337, 9..<9]
        let alone = try ranges.map { try model.read(Array(Self.tokens[$0])) }
        let states = ranges.map { _ in model.makeState() }
        var logits = ranges.map { _ in [[Float]]() }
        // Two calls, so that sequences also meet in the middle of their ways.
        for half in 0...1 {
            let items = zip(states, ranges).map { state, range in
                let middle = range.lowerBound + range.count / 3
                let part = half == 0 ? range.lowerBound..<middle : middle..<range.upperBound
                return KimiLinearModel.Item(state: state, tokens: Self.tokens[part], logits: .all)
            }
            try model.advance(items) { item, _, row in logits[item].append(Array(row)) }
        }
        for (index, expected) in alone.enumerated() {
            #expect(states[index].serialized() == expected.state)
            #expect(sameBits(logits[index], expected.logits))
        }
    }

    @Test("a state saved and loaded anywhere, or forked, goes on with the same bits", arguments: Variant.all)
    func savedStates(variant: Variant) throws {
        let model = try variant.model(threads: 2)
        let whole = try model.read(Self.tokens)
        for cut in [0, 1, 2, 3, 64, 65, 70, 71, 300, 336] {
            let state = model.makeState()
            let first = try model.read(Array(Self.tokens[..<cut]), from: state)
            let loaded = try SequenceState(shape: model.stateShape, serialized: first.state)
            #expect(loaded.serialized() == first.state)
            #expect(loaded.tokenCount == cut)
            let fork = state.copy()
            let rest = Array(Self.tokens[cut...])
            for continued in [loaded, fork, state] {
                let end = try model.read(rest, from: continued)
                #expect(end.state == whole.state)
                #expect(sameBits(first.logits + end.logits, whole.logits))
            }
        }
    }

    @Test(
        "latents in segments, in memory or mapped, change no bit, and forks share them",
        arguments: Recipe.allCases)
    func segments(recipe: Recipe) throws {
        let model = try Golden.model(recipe: recipe, chunkRows: 41)
        let whole = try model.read(Self.tokens)
        let segmentBytes =
            model.stateShape.mlaLayers * model.stateShape.latentWidth * 64 * (recipe == .f32 ? 4 : 2)
        for inMemory in 0...2 {
            let store = LatentStore(rows: 64, bytes: inMemory * segmentBytes)
            let state = SequenceState(shape: model.stateShape, store: store)
            let first = try model.read(Array(Self.tokens[..<301]), from: state)
            #expect(state.latentPlaces.inMemory == inMemory * 64)
            #expect(state.latentPlaces.mapped == (4 - inMemory) * 64)
            let fork = state.copy()
            for continued in [fork, state] {
                let end = try model.read(Array(Self.tokens[301...]), from: continued)
                #expect(end.state == whole.state)
                #expect(sameBits(first.logits + end.logits, whole.logits))
            }
        }
    }

    @Test("decoding over segments gives the same bits", arguments: Recipe.allCases)
    func decodingSegments(recipe: Recipe) throws {
        let model = try Golden.model(recipe: recipe)
        func decoded(_ state: SequenceState) throws -> [[Float]] {
            _ = try model.read(Array(Self.tokens[..<301]), from: state)
            var rows: [[Float]] = []
            for token in Self.tokens[301...] {
                let item = KimiLinearModel.Item(
                    state: state, tokens: [token], logits: .last, isDecoding: true)
                try model.advance([item]) { _, _, row in rows.append(Array(row)) }
            }
            return rows
        }
        let plain = try decoded(model.makeState())
        let mapped = SequenceState(shape: model.stateShape, store: LatentStore(rows: 64, bytes: 0))
        #expect(sameBits(try decoded(mapped), plain))
        #expect(mapped.latentPlaces.mapped == 320)
    }

    @Test("the tokens a window has left behind do not reach attention, and the state stays constant in size")
    func window() throws {
        let model = try Golden.model(recipe: .f32, window: 70)
        let unbounded = try Golden.model(recipe: .f32)
        let short = Array(Self.tokens[..<70])
        #expect(sameBits(try model.read(short).logits, try unbounded.read(short).logits))
        #expect(!sameBits(try model.read(Self.tokens).logits, try unbounded.read(Self.tokens).logits))
        let state = model.makeState()
        _ = try model.read(Array(Self.tokens[..<100]), from: state)
        let size = state.serialized().count
        _ = try model.read(Array(Self.tokens[100...]), from: state)
        #expect(state.serialized().count == size)
        #expect(state.byteCounts.growing == 0)
    }

    @Test("a state of another shape, version or length is refused by name")
    func refusedStates() throws {
        let model = try Golden.model(recipe: .f32)
        let bytes = try model.read(Array(Self.tokens[..<10])).state
        let windowed = try Golden.model(recipe: .f32, window: 70).stateShape
        #expect(throws: StateBytesError.self) { try SequenceState(shape: windowed, serialized: bytes) }
        #expect(throws: StateBytesError.notAState) {
            try SequenceState(shape: model.stateShape, serialized: [1, 2])
        }
        #expect(throws: StateBytesError.length(found: bytes.count - 1, expected: bytes.count)) {
            try SequenceState(shape: model.stateShape, serialized: Array(bytes.dropLast()))
        }
        var other = bytes
        other[8] = 9
        #expect(throws: StateBytesError.version(found: 9, expected: 1)) {
            try SequenceState(shape: model.stateShape, serialized: other)
        }
    }

    @Test(
        "quantized weights stay near the float32 model",
        arguments: [(Recipe.bf16, Float(0.05)), (.q8, 0.12), (.q4, 0.8)])
    func quantized(recipe: Recipe, limit: Float) throws {
        let exact = try Golden.model(recipe: .f32).read(Golden.tokens).logits
        let found = try Golden.model(recipe: recipe).read(Golden.tokens).logits
        // The median over positions: a router near a tie may choose another expert.
        var errors: [Float] = []
        for (a, b) in zip(exact, found) {
            var squares: Float = 0
            for (x, y) in zip(a, b) { squares += (x - y) * (x - y) }
            errors.append((squares / Float(a.count)).squareRoot())
        }
        let error = errors.sorted()[errors.count / 2]
        print("\(recipe): median root mean square difference of logits \(error)")
        #expect(error < limit)
    }

    @Test("decoding steps, alone or in a batch, stay near the prefill", arguments: Variant.all)
    func decoding(variant: Variant) throws {
        let expected = try variant.model(threads: 1).read(Self.tokens).logits
        var rows: [[[Float]]] = []
        for threads in [1, 2] {
            let model = try variant.model(threads: threads)
            let first = model.makeState()
            _ = try model.read(Array(Self.tokens[..<150]), from: first)
            // Three sequences at other positions, so that rounds of several rows are taken.
            let states = [first, first.copy(), model.makeState(), first.copy()]
            var logits = [[Float]]()
            for at in 150..<Self.tokens.count {
                let items = states.enumerated().map { index, state in
                    KimiLinearModel.Item(
                        state: state, tokens: Self.tokens[at - index % 2..<at + 1 - index % 2], logits: .last,
                        isDecoding: true)
                }
                try model.step(items) { logits.append($0) }
            }
            #expect(states.allSatisfy { $0.hasDecoded || variant.recipe == .f32 })
            rows.append(logits)
        }
        #expect(sameBits(rows[0], rows[1]))
        // The first differing roundings grow through the layers; a median stays near.
        let errors = zip(rows[0], expected[150...]).map { found, exact -> Float in
            let squares = zip(found, exact).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            return (squares / Float(exact.count)).squareRoot()
        }
        let error = errors.sorted()[errors.count / 2]
        print("decoding, \(variant): median root mean square difference of logits \(error)")
        #expect(error < (variant.recipe == .f32 ? 1e-6 : variant.recipe == .bf16 ? 0.03 : 0.25))
    }

    @Test("an id outside the vocabulary is refused and leaves the state alone")
    func badToken() throws {
        let model = try Golden.model(recipe: .f32)
        let state = model.makeState()
        #expect(throws: TokenError(id: 256, vocabularySize: 256)) { try model.read([1, 256], from: state) }
        #expect(state.tokenCount == 0)
    }
}

extension KimiLinearModel {
    /// One step; the first item's logits.
    fileprivate func step(_ items: [Item], _ onFirst: ([Float]) -> Void) throws {
        try advance(items) { item, _, row in if item == 0 { onFirst(Array(row)) } }
    }
}

func sameBits(_ a: [[Float]], _ b: [[Float]]) -> Bool {
    a.count == b.count
        && zip(a, b).allSatisfy {
            $0.count == $1.count && zip($0, $1).allSatisfy { $0.bitPattern == $1.bitPattern }
        }
}

/// A seeded generator (SplitMix64).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
