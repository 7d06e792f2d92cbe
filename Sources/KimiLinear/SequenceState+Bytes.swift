import WeightFiles

/// Why bytes are no state of the loaded model.
public enum StateBytesError: Error, Equatable, CustomStringConvertible {
    case notAState
    case version(found: Int, expected: Int)
    /// The sizes differ: another model, or another window.
    case otherModel(found: [Int], expected: [Int])
    case length(found: Int, expected: Int)

    public var description: String {
        switch self {
        case .notAState: "the bytes are not a session's state. Read the document again."
        case .version(let found, let expected):
            "the state has version \(found), this build reads version \(expected). Read the document again."
        case .otherModel(let found, let expected):
            "the state has the sizes \(found), the loaded model \(expected). Load the model it was made with."
        case .length(let found, let expected):
            "the state has \(found) bytes, expected \(expected). Read the document again."
        }
    }
}

extension SequenceState {
    private static let magic = Array("LKSTATE\0".utf8)
    private static let version = 1

    /// The state as bytes, little-endian: magic, version, seven sizes and the token count as u64,
    /// then per KDA layer the recurrent matrices and the convolution tails (fp32), then per MLA
    /// layer the latents of the kept positions (bf16, or fp32 in an f32 model). Equal states have equal bytes.
    public func serialized() -> [UInt8] {
        var out: [UInt8] = []
        let kept = keptLatents
        let bodyBytes =
            (shape.recurrentCount + shape.tailCount) * 4 + kept * shape.latentWords * shape.mlaLayers * 2
        out.reserveCapacity(80 + bodyBytes)
        out += Self.magic
        for number in [Self.version] + shape.numbers + [tokenCount] {
            withUnsafeBytes(of: UInt64(number).littleEndian) { out += $0 }
        }
        for layer in 0..<shape.kdaLayers {
            out += UnsafeRawBufferPointer(
                start: recurrent + layer * shape.recurrentPerLayer, count: shape.recurrentPerLayer * 4)
            out += UnsafeRawBufferPointer(
                start: tails + layer * 3 * shape.tailPerStream, count: 3 * shape.tailPerStream * 4)
        }
        for layer in 0..<shape.mlaLayers {
            var position = tokenCount - kept
            while position < tokenCount {
                let end = min(tokenCount, contiguousEnd(position))
                out += UnsafeRawBufferPointer(
                    start: latentRow(layer, position), count: (end - position) * shape.latentWords * 2)
                letGo(layer, position..<end)
                position = end
            }
        }
        return out
    }

    /// The parts of ``serialized()`` in their order: a header, then each layer's.
    public var sections: [(name: String, type: String, byteCount: Int)] {
        let width = shape.heads * shape.headWidth
        let kept = keptLatents
        var out = [(name: "header", type: "u64", byteCount: 8 + 8 * (2 + shape.numbers.count))]
        for layer in 0..<shape.kdaLayers {
            out.append(
                (
                    "kda.\(layer)", "f32 [\(shape.heads),\(shape.headWidth),\(shape.headWidth)]",
                    shape.recurrentPerLayer * 4
                ))
            out.append(
                ("conv.\(layer)", "f32 [3,\(shape.convTaps - 1),\(width)]", 3 * shape.tailPerStream * 4))
        }
        for layer in 0..<shape.mlaLayers {
            let type = shape.exactLatents ? "f32" : "bf16"
            out.append(
                ("mla.\(layer)", "\(type) [\(kept),\(shape.latentWidth)]", kept * shape.latentWords * 2))
        }
        return out
    }

    /// The state that `serialized()` wrote, bit for bit.
    ///
    /// - Throws: ``StateBytesError`` when the bytes are of another version or another shape.
    public convenience init(shape: StateShape, serialized bytes: [UInt8]) throws(StateBytesError) {
        let headerBytes = 8 + 8 * (2 + shape.numbers.count)
        guard bytes.starts(with: Self.magic), bytes.count >= headerBytes else { throw .notAState }
        let numbers = (0..<(2 + shape.numbers.count)).map { index in
            bytes.withUnsafeBytes {
                Int(
                    clamping: UInt64(
                        littleEndian: $0.loadUnaligned(fromByteOffset: 8 + 8 * index, as: UInt64.self)))
            }
        }
        guard numbers[0] == Self.version else { throw .version(found: numbers[0], expected: Self.version) }
        let found = Array(numbers[1..<numbers.count - 1])
        guard found == shape.numbers else { throw .otherModel(found: found, expected: shape.numbers) }
        let tokens = numbers[numbers.count - 1]
        let fixed = (shape.recurrentCount + shape.tailCount) * 4
        let perToken = shape.latentWords * shape.mlaLayers * 2
        let kept = shape.window.map { min(tokens, $0 - 1) } ?? tokens
        guard tokens < 1 << 40, bytes.count == headerBytes + fixed + kept * perToken else {
            throw .length(
                found: bytes.count,
                expected: tokens < 1 << 40 ? headerBytes + fixed + kept * perToken : headerBytes)
        }
        self.init(shape: shape)
        restore(tokens: tokens, kept: kept)
        bytes.withUnsafeBytes { raw in
            var at = raw.baseAddress! + headerBytes
            func copy(_ count: Int, to target: UnsafeMutableRawPointer) {
                target.copyMemory(from: at, byteCount: count)
                at += count
            }
            for layer in 0..<shape.kdaLayers {
                copy(shape.recurrentPerLayer * 4, to: recurrent + layer * shape.recurrentPerLayer)
                copy(3 * shape.tailPerStream * 4, to: tails + layer * 3 * shape.tailPerStream)
            }
            for layer in 0..<shape.mlaLayers where kept > 0 {
                copy(kept * shape.latentWords * 2, to: latentRow(layer, tokens - kept))
            }
        }
    }
}

extension StateShape {
    /// What a stored state must agree with.
    fileprivate var numbers: [Int] {
        [kdaLayers, heads, headWidth, convTaps, mlaLayers, latentWords, window ?? 0]
    }
}
