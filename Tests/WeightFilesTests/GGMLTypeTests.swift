import Foundation
import Testing
import WeightFiles

@Suite struct GGMLTypeTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let type: GGMLType
        let blocks: [UInt8]
        let values: [Float]
        var testDescription: String { type.name }
    }

    /// What Fixtures/make_gguf_blocks.py wrote.
    static let cases: [Case] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Fixtures/gguf_blocks.bin")
        guard let data = try? [UInt8](Data(contentsOf: file)) else { return [] }
        var cases: [Case] = []
        var at = 0
        func number() -> Int {
            defer { at += 4 }
            return data.withUnsafeBytes { Int($0.loadUnaligned(fromByteOffset: at, as: UInt32.self)) }
        }
        while at < data.count {
            let (type, count, bytes) = (number(), number(), number())
            let blocks = Array(data[at..<at + bytes])
            at += bytes
            let values = data.withUnsafeBytes { raw in
                (0..<count).map { raw.loadUnaligned(fromByteOffset: at + $0 * 4, as: Float.self) }
            }
            at += count * 4
            cases.append(Case(type: GGMLType(rawValue: UInt32(type))!, blocks: blocks, values: values))
        }
        return cases
    }()

    @Test("blocks have the bits that the gguf package gives them", arguments: cases)
    func dequantize(item: Case) {
        var found = [Float](repeating: .nan, count: item.values.count)
        let isKnown = item.blocks.withUnsafeBytes {
            item.type.dequantize($0.baseAddress!, count: found.count, into: &found)
        }
        #expect(isKnown && found.map(\.bitPattern) == item.values.map(\.bitPattern))
    }

    @Test("the fixture has every type that is read; the others are named and left alone")
    func names() {
        #expect(Self.cases.map(\.type) == GGMLType.readable)
        #expect(
            GGMLType.q4_K.name == "Q4_K" && GGMLType.iq4_xs.name == "IQ4_XS" && GGMLType.bf16.name == "BF16")
        var out: [Float] = [1]
        let isKnown = [UInt8](repeating: 0, count: 136).withUnsafeBytes {
            GGMLType.iq4_xs.dequantize($0.baseAddress!, count: 256, into: &out)
        }
        #expect(!isKnown && out == [1])
    }
}
