import Foundation
import JSON
import KimiLinear
import Testing
import WeightFiles

/// The GGUF that Fixtures/make_gguf_golden.py makes: every type that is read, in one model.
@Suite struct GGUFModelTests {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Fixtures/gguf").path
    static let path = folder + "/mixed.gguf"
    static let tokens = ((try? readJSON(path: folder + "/tokens.json"))?.array ?? []).compactMap {
        $0.integer.map(Int32.init)
    }

    /// `[40][1280]`, by transformers from the values that the gguf package reads.
    static let logits: [[Float]] = {
        guard let file = try? ReadableFile(path: folder + "/logits.npy"),
            let bytes = try? file.bytes(0..<file.byteCount)
        else { return [] }
        let start = 10 + Int(bytes[8]) + Int(bytes[9]) << 8
        return bytes[start...].withUnsafeBytes { raw in
            (0..<40).map { row in
                (0..<1280).map { raw.loadUnaligned(fromByteOffset: (row * 1280 + $0) * 4, as: Float.self) }
            }
        }
    }()

    static func logits(_ path: String, _ recipe: Recipe? = .f32, level: String? = nil) throws -> [[Float]] {
        try KimiLinearModel(
            published: PublishedModel(path: path), recipe: recipe, level: KernelLevel(named: level),
            threads: 2
        ).read(tokens).logits
    }

    static func worst(_ a: [[Float]], _ b: [[Float]]) -> Float {
        zip(a, b).reduce(0) { worst, rows in
            zip(rows.0, rows.1).reduce(worst) { max($0, ($1.0 - $1.1).isNaN ? .infinity : abs($1.0 - $1.1)) }
        }
    }

    @Test("logits are those of the file's own values within 5e-5", arguments: KernelLevel.available)
    func golden(level: String) throws {
        let found = try Self.logits(Self.path, level: level)
        #expect(found.count == 40 && Self.logits.count == 40)
        let worst = Self.worst(found, Self.logits)
        print("gguf golden \(level): largest difference \(worst)")
        #expect(worst < 5e-5)
    }

    @Test("the config is the checkpoint's")
    func config() throws {
        let model = try PublishedModel(path: Self.path)
        let config = model.config
        #expect(config.layers == [.kda, .mla] && config.feedForward == [.dense, .moe])
        #expect(config.hidden == 256 && config.vocabularySize == 1280 && config.kdaHeads == 4)
        #expect(config.nopeWidth == 64 && config.ropeWidth == 32 && config.latentRank == 128)
        #expect(config.experts == 3 && config.expertsPerToken == 2 && config.routedScale == 2.446)
        #expect(config.normEpsilon == 1e-5 && !config.tiesEmbeddings && config.window == nil)
        #expect(model.kind == "GGUF" && model.tensorCount == 39)
        let report = try ModelVerifier.verify(model)
        #expect(report.unused.isEmpty && report.parameters == config.parameterCount)
    }

    @Test("'closest' keeps Q4_0 bit for bit, other blocks in 8 bits, floats in bf16; packed equals loaded")
    func closest() throws {
        let work = try WorkFolder()
        let model = try PublishedModel(path: Self.path)
        let fingerprint = try ModelConverter(model).write(
            to: work.file("m.lector"), files: [("tokenizer.json", Array("{}".utf8)), ("empty", [])])
        let packed = try PackedFile(path: work.file("m.lector"))
        #expect(packed.fingerprint == fingerprint && packed.recipe == "closest")
        #expect(packed.source["kind"]?.string == "gguf")
        #expect(packed.files.map(\.name) == ["tokenizer.json", "empty"])
        #expect(try packed.bytes(of: packed.files[0]) == Array("{}".utf8))
        #expect(try packed.bytes(of: packed.files[1]).isEmpty)
        let expected: [(String, WeightFormat)] = [
            ("model.embed_tokens", .q4), ("lm_head", .q8), ("model.layers.0.self_attn.o_proj", .q4),
            ("model.layers.0.self_attn.q_proj", .q8), ("model.layers.0.self_attn.f_a_proj", .bf16),
            ("model.layers.1.block_sparse_moe.gate", .f32), ("model.layers.1.self_attn.kv_b_proj", .q8),
        ]
        for (name, format) in expected {
            #expect(packed.entry(name + ".weight")?.format == format, "\(name)")
        }
        let q4 = packed.entries.filter { $0.format == .q4 }
        #expect(Set(q4.map(\.name)) == Set(Self.q4Names.keys))
        for entry in q4 {
            let name = try #require(Self.q4Names[entry.name])
            let count = entry.shape.reduce(1, *)
            var values = [Float](repeating: 0, count: count)
            try values.withUnsafeMutableBufferPointer { try model.gguf!.read(name, 0..<count, into: $0) }
            let here = KimiLinearModel.unpack(entry, of: packed)
            #expect(zip(here, values).allSatisfy { $0 == $1 }, "\(entry.name)")
        }
        let loaded = try KimiLinearModel(published: model, level: KernelLevel(), threads: 2)
        let mapped = try KimiLinearModel(packed: packed, level: KernelLevel(), threads: 2)
        let (a, b) = (try loaded.read(Self.tokens), try mapped.read(Self.tokens))
        #expect(sameBits(a.logits, b.logits) && a.state == b.state)
        try packed.checkDigest()
        _ = try ModelVerifier.verify(packed)
    }

    static let q4Names = [
        "model.embed_tokens.weight": "token_embd.weight",
        "model.layers.0.self_attn.b_proj.weight": "blk.0.ssm_beta.weight",
        "model.layers.0.self_attn.o_proj.weight": "blk.0.attn_output.weight",
        "model.layers.1.self_attn.o_proj.weight": "blk.1.attn_output.weight",
        "model.layers.1.block_sparse_moe.shared_experts.gate_proj.weight": "blk.1.ffn_gate_shexp.weight",
    ]

    @Test("Q4_0 blocks that lack the value -8 are kept, too", arguments: [1, 5, 16, 33])
    func q4Blocks(rows: Int) {
        // What ck_pack would choose another scale for: random nibbles from -7 to 7.
        let columns = 96
        var blocks: [UInt8] = []
        var values: [Float] = []
        var state: UInt64 = 7
        for _ in 0..<rows * columns / 32 {
            state = state &* 6_364_136_223_846_793_005 &+ 1
            let scale = f16(Float(state >> 40) / 0x1p24 + 0.01)
            withUnsafeBytes(of: scale) { blocks += $0 }
            var quants: [UInt8] = []
            for _ in 0..<32 {
                state = state &* 6_364_136_223_846_793_005 &+ 1
                quants.append(UInt8(state >> 33 % 15) + 1)
            }
            quants = quants.map { min($0 & 15, 15) == 0 ? 1 : $0 & 15 }
            for i in 0..<16 { blocks.append(quants[i] | quants[i + 16] << 4) }
            values += quants.map { float(f16: scale) * (Float($0) - 8) }
        }
        let bytes = WeightFormat.q4.byteCount(shape: [rows, columns])
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        defer { memory.deallocate() }
        let panel = bytes / ((rows + 15) / 16)
        blocks.withUnsafeBytes {
            Q4Panels.copy(
                $0.baseAddress!, rows: rows, columns: columns, panelBytes: panel, to: memory)
        }
        let work = try! WorkFolder()
        let writer = try! PackedFileWriter(
            path: work.file("m"), config: .null, recipe: "q4", source: .null,
            plan: [.init(name: "w", format: .q4, shape: [rows, columns])])
        try! writer.append(UnsafeRawBufferPointer(start: memory, count: bytes))
        _ = try! writer.finish()
        let file = try! PackedFile(path: work.file("m"))
        #expect(KimiLinearModel.unpack(file.entries[0], of: file) == values)
    }

    @Test("older layouts: kv_b whole, q k v fused, plain axes; the same bits")
    func olderLayouts() throws {
        let work = try WorkFolder()
        var file = try GGUFBuilder(GGUFWeights(path: Self.path))
        let expected = try Self.logits(file.write(work.file("plain.gguf")))
        #expect(sameBits(expected, try Self.logits(Self.path)))

        let keys = file[values: "blk.1.attn_k_b.weight"]
        let values = file[values: "blk.1.attn_v_b.weight"]
        var whole: [Float] = []
        for head in 0..<4 {
            for n in 0..<64 { for r in 0..<128 { whole.append(keys[(head * 128 + r) * 64 + n]) } }
            whole += values[head * 64 * 128..<(head + 1) * 64 * 128]
        }
        let qkv = ["q", "k", "v"].flatMap { file[values: "blk.0.attn_\($0).weight"] }
        file.tensors.removeAll {
            $0.name.hasPrefix("blk.1.attn_k_b") || $0.name.hasPrefix("blk.1.attn_v_b")
                || ["q", "k", "v"].map { "blk.0.attn_\($0).weight" }.contains($0.name)
        }
        file.tensors.append(.init(name: "blk.1.attn_kv_b.weight", shape: [512, 128], values: whole))
        file.tensors.append(.init(name: "blk.0.attn_qkv.weight", shape: [768, 256], values: qkv))
        for index in file.tensors.indices where file.tensors[index].name.contains("conv1d") {
            file.tensors[index].axes = [4, 256]
        }
        // One number where newer files have one a layer: the tensors tell the kinds.
        file["kimi-linear.attention.head_count_kv"] = .integer(4)
        #expect(sameBits(expected, try Self.logits(file.write(work.file("old.gguf")))))
    }

    static let metadataLies: [(String, GGUFValue?)] = [
        ("general.architecture", .string(Array("kimi-k3".utf8))), ("general.architecture", nil),
        ("kimi-linear.block_count", .integer(1 << 40)), ("kimi-linear.block_count", .string([65])),
        ("kimi-linear.embedding_length", .integer(0)), ("kimi-linear.embedding_length", nil),
        ("kimi-linear.attention.head_count_kv", .integers([0])),
        ("kimi-linear.attention.key_length_mla", .integer(32)),
        ("kimi-linear.expert_gating_func", .integer(1)), ("kimi-linear.expert_used_count", .integer(4)),
        ("kimi-linear.expert_weights_norm", .bool(false)), ("kimi-linear.vocab_size", .integer(1281)),
        ("kimi-linear.expert_weights_scale", .float(.infinity)),
        ("kimi-linear.attention.sliding_window", .integer(1024)),
        ("kimi-linear.attention.q_lora_rank", .integer(1536)),
        ("kimi-linear.kda.gate_lower_bound", .float(-5)),
        ("tokenizer.ggml.eos_token_id", .integer(1280)),
    ]

    @Test("metadata that is missing, out of range or of a newer relative is refused by name")
    func metadata() throws {
        let work = try WorkFolder()
        let sound = try GGUFBuilder(GGUFWeights(path: Self.path))
        for (key, value) in Self.metadataLies {
            var file = sound
            file[key] = value
            let path = try file.write(work.file("m.gguf"))
            #expect(
                "\(key)", performing: { try PublishedModel(path: path) },
                throws: { if case .config? = $0 as? WeightFileError { true } else { false } })
        }
        var file = sound
        file["kimi-linear.attention.sliding_window"] = .integer(0)
        file["kimi-linear.some_new_switch"] = .bool(false)
        _ = try PublishedModel(path: file.write(work.file("off.gguf")))
    }

    @Test(
        "a tensor that is missing, misshapen, of an unknown type, positive where it may not be or NaN is named"
    )
    func tensors() throws {
        let work = try WorkFolder()
        let sound = try GGUFBuilder(GGUFWeights(path: Self.path))
        let path = work.file("m.gguf")
        func fault(_ change: (inout GGUFBuilder) -> Void) throws -> WeightFileError? {
            var file = sound
            change(&file)
            _ = try file.write(path)
            do {
                _ = try ModelVerifier.verify(PublishedModel(path: path))
                return nil
            } catch { return error }
        }
        func index(_ name: String) -> Int { sound.tensors.firstIndex { $0.name == name }! }
        let stack = "blk.1.ffn_down_exps.weight"
        #expect(try fault { _ in } == nil)
        #expect(
            try fault { $0.tensors.remove(at: index(stack)) } == .missing(path: path, tensor: stack))
        #expect(
            try fault { $0.tensors[index("blk.0.ssm_f_b.weight")].axes = [256, 64] }
                == .shape(path: path, tensor: "blk.0.ssm_f_b.weight", found: [64, 256], expected: [256, 64]))
        #expect(
            try fault {
                $0.tensors[index(stack)].type = 16
                $0.tensors[index(stack)].bytes = [UInt8](repeating: 0, count: 3 * 256 * 66)
            } == .elementType(path: path, tensor: stack, found: "IQ2_XXS"))
        #expect(
            try fault { $0[values: "blk.0.ssm_a"][2] = 0.5 }
                == .config(
                    path: path, field: "blk.0.ssm_a[2]", found: "0.5",
                    expected: "a negative number, -exp(A_log)"))
        #expect(
            try fault { $0[values: stack][256 * 256 + 300] = .nan }
                == .notFinite(
                    path: path, tensor: "model.layers.1.block_sparse_moe.experts.1.w2.weight", index: 300))
    }

    @Test("a model that memory cannot hold is refused before anything is loaded")
    func memory() throws {
        let model = try PublishedModel(path: Self.path)
        try model.checkMemory(.f32)
        #expect(
            performing: { try model.checkMemory(.f32, available: 1 << 20) },
            throws: {
                guard case .memory(Self.path, let needed, 1 << 20)? = $0 as? WeightFileError else {
                    return false
                }
                return needed > 4 * model.config.parameterCount
            })
    }
}
