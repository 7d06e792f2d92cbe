// One libFuzzer target a file kind; fuzz.sh says which by a compilation condition.
//
// A target hands any bytes to the reader that users reach, then reads what the header promised: every
// outcome but a typed error or a value is a finding.

import Digests
import Glibc
import JSON
import KimiLinear
import Tokenization
import WeightFiles

/// A file in memory, rewritten for each input, so that readers of paths can be fuzzed.
struct MemoryFile {
    let descriptor: Int32
    let path: String

    init(name: String) {
        path = "/dev/shm/lector-\(name)-\(getpid())"
        descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC, 0o600)
    }

    func fill(_ bytes: UnsafeRawBufferPointer) {
        ftruncate(descriptor, 0)
        if let base = bytes.baseAddress { pwrite(descriptor, base, bytes.count, 0) }
    }
}

let memory = MemoryFile(name: "fuzz")

/// At most this many values of a tensor are read.
let mostValues = 1 << 16

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let bytes = UnsafeRawBufferPointer(start: data, count: size)
    #if FUZZ_SAFETENSORS
        memory.fill(bytes)
        guard let file = try? SafetensorsFile(path: memory.path) else { return 0 }
        for entry in file.tensors.values {
            let count = min(entry.count, mostValues)
            var values = [Float](repeating: 0, count: count)
            values.withUnsafeMutableBufferPointer { try? file.read(entry, 0..<count, into: $0) }
        }
    #elseif FUZZ_GGUF
        memory.fill(bytes)
        if let model = try? PublishedModel(path: memory.path) {
            _ = try? ModelVerifier.verify(model)
        }
        guard let weights = try? GGUFWeights(path: memory.path) else { return 0 }
        for file in weights.files {
            for entry in file.entries {
                let row = entry.shape.last ?? 1
                guard entry.count <= mostValues else { continue }
                var values = [Float](repeating: 0, count: entry.count)
                values.withUnsafeMutableBufferPointer {
                    try? file.read(entry, 0..<entry.count / row * row, into: $0)
                }
            }
        }
        if let tokens = weights.metadata["tokenizer.ggml.tokens"]?.strings {
            let files = try? TokenizerFiles(
                gguf: GGUFVocabulary(
                    model: weights.metadata["tokenizer.ggml.model"]?.text ?? "",
                    pre: weights.metadata["tokenizer.ggml.pre"]?.text ?? "", tokens: tokens,
                    types: weights.metadata["tokenizer.ggml.token_type"]?.integers,
                    merges: weights.metadata["tokenizer.ggml.merges"]?.strings ?? [],
                    chatTemplate: weights.metadata["tokenizer.chat_template"]?.text))
            if let files, let tokenizer = try? Tokenizer(files: files) {
                _ = tokenizer.encode("Don't 12 stop")
            }
        }
    #elseif FUZZ_PACKED
        // The input is the JSON header: preface and checksum are made true, or nothing would get past them.
        var text = Array(bytes)
        while text.count % 64 != 0 { text.append(0x20) }
        let body = [UInt8](repeating: 0, count: 4096)
        var file = Array("LECTORW\0".utf8)
        func put<T: FixedWidthInteger>(_ value: T) { withUnsafeBytes(of: value.littleEndian) { file += $0 } }
        put(UInt32(1))
        put(UInt32(text.count))
        put(UInt64(64 + text.count + body.count))
        put(text.withUnsafeBytes { crc32c($0) })
        put(UInt32(0))
        file += [UInt8](repeating: 0, count: 32) + text + body
        file.withUnsafeBytes { memory.fill($0) }
        guard let packed = try? PackedFile(path: memory.path) else { return 0 }
        for attached in packed.files { _ = try? packed.bytes(of: attached) }
        if let config = try? ModelConfig(json: packed.config) {
            _ = config.multiplyAddsPerToken(withHead: true)
        }
        _ = try? ModelVerifier.verify(packed)
    #elseif FUZZ_TOKENIZER
        // The first byte chooses the file; a text stands behind the last zero byte.
        guard size > 1 else { return 0 }
        let rest = bytes.dropFirst()
        let cut = rest.lastIndex(of: 0) ?? rest.endIndex
        let content = Array(rest[..<cut])
        let text = Array(cut < rest.endIndex ? rest[(cut + 1)...] : rest)
        let tokenizer: Tokenizer?
        switch bytes[0] % 4 {
        case 0: tokenizer = try? Tokenizer(json: content)
        case 1: tokenizer = try? Tokenizer(files: TokenizerFiles([("tiktoken.model", content)]))
        case 2:
            // Sound ranks of all bytes, and any tokenizer_config.json.
            let ranks = (0...255).flatMap {
                Array("\(String(decoding: Base64.encode([UInt8($0)]), as: UTF8.self)) \($0)\n".utf8)
            }
            tokenizer = try? Tokenizer(
                files: TokenizerFiles([("tiktoken.model", ranks), ("tokenizer_config.json", content)]))
        default:
            // Sound ranks, and the input as a text in two pieces.
            let ranks = (0...255).flatMap {
                Array("\(String(decoding: Base64.encode([UInt8($0)]), as: UTF8.self)) \($0)\n".utf8)
            }
            guard let kimi = try? Tokenizer(files: TokenizerFiles([("tiktoken.model", ranks)])) else {
                return 0
            }
            let all = Array(rest)
            let whole = kimi.encode(all)
            var encoder = StreamingEncoder(kimi)
            var ids: [Int32] = []
            encoder.append(all[..<(all.count / 3)], into: &ids)
            encoder.append(all[(all.count / 3)...], into: &ids)
            encoder.finish(into: &ids)
            precondition(ids == whole, "a cut changed ids")
            precondition(kimi.encodeWithRanges(all).map(\.id) == whole, "ranges changed ids")
            return 0
        }
        guard let tokenizer else { return 0 }
        let ids = tokenizer.encode(text)
        precondition(ids.allSatisfy { $0 >= 0 && Int($0) < tokenizer.vocabularySize }, "an id outside")
    #endif
    return 0
}
