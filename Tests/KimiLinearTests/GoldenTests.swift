import Foundation
import JSON
import KimiLinear
import Testing
import WeightFiles

/// The golden checkpoint that Fixtures/make_golden.py writes.
struct Golden {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Fixtures/tiny").path

    static let tokens: [Int32] = {
        guard let json = try? readJSON(path: folder + "/tokens.json") else { return [] }
        return (json.array ?? []).compactMap { $0.integer.map(Int32.init) }
    }()

    /// `[tokens][vocabulary]`, by transformers in float32.
    static let logits: [[Float]] = {
        guard let file = try? MappedFile(path: folder + "/logits.npy") else { return [] }
        // NumPy format 1.0: magic, version, u16 header length, header, data.
        let start = 10 + Int(file.bytes[8]) + Int(file.bytes[9]) << 8
        let width = 256
        return (0..<300).map { row in
            (0..<width).map {
                file.bytes.loadUnaligned(fromByteOffset: start + (row * width + $0) * 4, as: Float.self)
            }
        }
    }()

    static func model(
        recipe: Recipe, level: String? = nil, threads: Int = 2, window: Int? = nil, chunkRows: Int = 128
    ) throws -> KimiLinearModel {
        let published = try PublishedModel(path: folder)
        var config = published.config
        config.window = window
        return try KimiLinearModel(
            published: published, config: config, recipe: recipe,
            level: try KernelLevel(named: level), threads: threads, chunkRows: chunkRows)
    }
}

extension KimiLinearModel {
    /// Logits after every token, and the state's bytes at the end.
    func read(_ tokens: [Int32], from state: SequenceState? = nil) throws -> (
        logits: [[Float]], state: [UInt8]
    ) {
        let state = state ?? makeState()
        var rows: [[Float]] = []
        try advance([.init(state: state, tokens: tokens[...], logits: .all)]) { _, _, logits in
            rows.append(Array(logits))
        }
        return (rows, state.serialized())
    }
}

@Suite struct GoldenTests {
    @Test(
        "float32 logits of every position are those of transformers within 2e-4",
        arguments: KernelLevel.available)
    func golden(level: String) throws {
        let model = try Golden.model(recipe: .f32, level: level)
        let found = try model.read(Golden.tokens).logits
        #expect(found.count == 300 && Golden.logits.count == 300)
        var worst: Float = 0
        for (row, expected) in zip(found, Golden.logits) {
            for (a, b) in zip(row, expected) { worst = max(worst, (a - b).isNaN ? .infinity : abs(a - b)) }
        }
        print("golden \(level): largest difference \(worst)")
        #expect(worst < 2e-4)
    }
}
