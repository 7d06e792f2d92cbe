import Evaluation
import Glibc
import JSON
import Testing

/// The model verbs and `--model` on every kind of file, through the built binary.
@Suite("Models on the command line", .serialized, .enabled(if: LectorBinary.path != nil))
struct ModelCommandTests {
    static let gguf = TinyModel.root + "/Tests/KimiLinearTests/Fixtures/gguf/mixed.gguf"

    private func prepare() -> LectorBinary {
        let lector = LectorBinary(work: TemporaryFolder())
        lector.work.write(CommandTests.mailbox, to: "in.mbox")
        return lector
    }

    private func labels(_ text: String) throws -> [String] {
        try text.split(separator: "\n").map {
            let row = try JSONValue(parsing: String($0))
            return
                "\(row["item"]!.text) \(row["label"]!.text) \(row["distribution"]!.text) \(row["tokens"]!.text)"
        }
    }

    @Test("a GGUF and the packed file made of it answer alike, each with its own tokenizer")
    func gguf() throws {
        let lector = prepare()
        #expect(lector.run(["model", "verify", Self.gguf]).out.contains("ok"))
        let info = lector.run(["model", "info", "--model", Self.gguf, "--json"])
        let fields = try JSONValue(parsing: info.out)
        #expect(fields["kind"]?.string == "GGUF" && fields["vocabulary"]?.integer == 1280)
        let convert = lector.run(["model", "convert", Self.gguf, "-o", "m.lector"])
        #expect(convert.status == 0 && convert.err.isEmpty, "\(convert.err)")
        #expect(lector.run(["model", "verify", "m.lector"]).status == 0)
        #expect(lector.run(["doctor", "--model", "m.lector"]).status == 0)

        let options = ["--progress", "none", "--state-dir", "s"]
        let direct = lector.run(["classify", "in.mbox", "--model", Self.gguf] + options)
        #expect(direct.status == 0, "\(direct.err)")
        let packed = lector.run(["classify", "in.mbox", "--model", "m.lector"] + options)
        #expect(packed.status == 0, "\(packed.err)")
        #expect(try labels(direct.out).count == 4)
        #expect(try labels(direct.out) == labels(packed.out))
        for name in [Self.gguf, "m.lector"] {
            let tokens = lector.run(["tokens", "in.mbox", "--model", name, "--json"])
            #expect(tokens.status == 0, "\(tokens.err)")
        }
        let logits = ["model", "logits", "--ids", "1,2,1279", "-o", "l.npy", "--model", Self.gguf]
        #expect(lector.run(logits).status == 0)
        #expect(lector.bytes("l.npy").count == 128 + 3 * 1280 * 4)
    }

    @Test("the model is named one way, and the older way still works; both at once are not")
    func naming() {
        let lector = prepare()
        for verb in ["info", "verify"] {
            #expect(lector.run(["model", verb, Self.gguf]).status == 0)
            #expect(lector.run(["model", verb, "--model", Self.gguf]).status == 0)
            #expect(lector.run(["model", verb, "--model", Self.gguf, Self.gguf]).status == 64)
        }
        #expect(lector.run(["model", "convert", "--model", Self.gguf, "-o", "x", "--to", "q3"]).status == 64)
    }

    @Test("bad models end with the status of their kind and a line that names the file")
    func refused() {
        let lector = prepare()
        let bytes = try! ReadBytes.all(Self.gguf)
        lector.work.write(Array(bytes[..<(bytes.count - 1)]), to: "cut.gguf")
        lector.work.write(Array("hello, world".utf8), to: "text.gguf")
        for (arguments, status, says) in [
            (["model", "verify", "cut.gguf"], 65, "cut short"),
            (["model", "info", "text.gguf"], 65, "not a model"),
            (["model", "info", "none.gguf"], 74, "none.gguf"),
            (["model", "logits", "--model", Self.gguf, "--ids=1280", "-o", "x"], 65, "1280"),
            (["model", "logits", "--model", Self.gguf, "--ids=-1", "-o", "x"], 65, "-1"),
        ] as [([String], Int32, String)] {
            let result = lector.run(arguments)
            #expect(result.status == status && result.err.contains(says), "\(arguments): \(result.err)")
        }
        #expect(access(lector.work.file("x"), F_OK) != 0)
    }

    @Test("a tokenizer that has more tokens than the embedding is refused")
    func vocabulary() {
        let lector = prepare()
        TinyModel.write(to: lector.work.file("model"))
        // 963 ranks and 256 special tokens fit into 49,152 rows; the bundled vocabulary does not into 1,280.
        let convert = lector.run(["model", "convert", Self.gguf, "-o", "m.lector", "--to", "f32"])
        #expect(convert.status == 0)
        var bytes = lector.bytes("m.lector")
        let name = Array("\"tiktoken.model\"".utf8)
        let at = bytes.indices.first { bytes[$0...].starts(with: name) }
        #expect(at != nil)
        // Renamed, the attached ranks are no tokenizer any more: the one beside the file counts.
        bytes[at! + 1] = UInt8(ascii: "T")
        lector.work.write(bytes, to: "damaged.lector")
        let damaged = lector.run(["model", "info", "damaged.lector"])
        #expect(damaged.status == 65 && damaged.err.contains("the header"), "\(damaged.err)")
    }

    @Test("converting holds one tensor in memory: 300 MB through less than 80")
    func bounded() throws {
        let lector = prepare()
        let folder = lector.work.file("large")
        let size = SparseModel.write(to: folder)
        #expect(size > 290 << 20)
        for recipe in ["f32", "q4"] {
            let pid = lector.start(["model", "convert", "large", "-o", "large.lector", "--to", recipe])
            let peak = PeakMemory.watch(pid)
            let result = lector.wait(pid)
            #expect(result.status == 0, "\(result.err)")
            print("convert --to \(recipe): \(size >> 20) MiB of weights, peak \(peak >> 10) MiB")
            #expect(peak > 0 && peak < 80 << 10)
        }
    }

    @Test(
        "weights cut or rewritten under a run end it with status 74 and the file's name",
        arguments: [true, false])
    func lost(isCut: Bool) {
        let lector = prepare()
        #expect(lector.run(["model", "convert", Self.gguf, "-o", "m.lector"]).status == 0)
        mkfifo(lector.work.file("pipe"), 0o600)
        // Opened for both, so that nobody waits for the other end.
        let pipe = open(lector.work.file("pipe"), O_RDWR | O_CLOEXEC)
        let pid = lector.start(
            ["classify", "-", "--model", "m.lector", "--progress", "none"], input: lector.work.file("pipe"))
        // It waits for its input when the model has long been open.
        usleep(1_500_000)
        let weights = open(lector.work.file("m.lector"), O_WRONLY)
        if isCut {
            ftruncate(weights, 4096)
        } else {
            _ = [UInt8(0)].withUnsafeBytes { pwrite(weights, $0.baseAddress!, 1, 100_000) }
        }
        close(weights)
        let mail = Array(CommandTests.mailbox.utf8)
        _ = mail.withUnsafeBytes { write(pipe, $0.baseAddress!, $0.count) }
        close(pipe)
        let result = lector.wait(pid)
        #expect(result.status == 74, "\(result.err)")
        #expect(result.err.contains("m.lector was changed while it was in use"), "\(result.err)")
    }
}

/// The highest resident size of a process, as the system counts it.
private enum PeakMemory {
    /// Watches until the process ends; kibibytes.
    static func watch(_ pid: pid_t) -> Int {
        var peak = 0
        while true {
            guard let text = try? String(decoding: ReadBytes.all("/proc/\(pid)/status"), as: UTF8.self),
                !text.contains("State:\tZ")
            else { return peak }
            for line in text.split(separator: "\n")
            where line.hasPrefix("VmHWM:") && text.contains("Name:\tlector") {
                peak = max(
                    peak, line.split(whereSeparator: { $0 == " " || $0 == "\t" }).compactMap { Int($0) }[0])
            }
            usleep(2000)
        }
    }
}

private enum ReadBytes {
    struct Failure: Error {}

    static func all(_ path: String) throws -> [UInt8] {
        let fd = open(path, O_RDONLY)
        guard fd >= 0 else { throw Failure() }
        defer { close(fd) }
        var out: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = read(fd, &buffer, buffer.count), count > 0 { out += buffer[..<count] }
        return out
    }
}

/// A model of zeros, a hole on the disk: 12 dense KDA layers of 25 MB each.
private enum SparseModel {
    static func write(to folder: String) -> Int {
        mkdir(folder, 0o700)
        let (hidden, dense, layers) = (512, 4096, 12)
        var header: [String] = []
        var size = 0
        func tensor(_ name: String, _ shape: [Int]) {
            let end = size + shape.reduce(4, *)
            header.append(
                "\"\(name)\":{\"dtype\":\"F32\",\"shape\":\(shape),\"data_offsets\":[\(size),\(end)]}")
            size = end
        }
        tensor("model.embed_tokens.weight", [1024, hidden])
        for index in 0..<layers {
            let layer = "model.layers.\(index)."
            for norm in ["input_layernorm", "post_attention_layernorm"] {
                tensor(layer + norm + ".weight", [hidden])
            }
            let a = layer + "self_attn."
            for stream in ["q", "k", "v"] {
                tensor(a + stream + "_proj.weight", [64, hidden])
                tensor(a + stream + "_conv1d.weight", [64, 1, 4])
            }
            tensor(a + "A_log", [1, 1, 1, 1])
            tensor(a + "dt_bias", [64])
            for gate in ["f", "g"] {
                tensor(a + gate + "_a_proj.weight", [64, hidden])
                tensor(a + gate + "_b_proj.weight", [64, 64])
            }
            tensor(a + "b_proj.weight", [1, hidden])
            tensor(a + "o_norm.weight", [64])
            tensor(a + "o_proj.weight", [hidden, 64])
            tensor(layer + "mlp.gate_proj.weight", [dense, hidden])
            tensor(layer + "mlp.up_proj.weight", [dense, hidden])
            tensor(layer + "mlp.down_proj.weight", [hidden, dense])
        }
        tensor("model.norm.weight", [hidden])
        let config = """
            {"model_type": "kimi_linear", "vocab_size": 1024, "hidden_size": \(hidden), "num_hidden_layers": \(layers),
            "num_attention_heads": 1, "intermediate_size": \(dense), "mla_use_nope": true, "kv_lora_rank": 32,
            "qk_nope_head_dim": 16, "qk_rope_head_dim": 8, "v_head_dim": 16, "linear_attn_config": {"head_dim": 64,
            "num_heads": 1, "short_conv_kernel_size": 4, "kda_layers": \(Array(1...layers)), "full_attn_layers": []},
            "tie_word_embeddings": true}
            """
        func file(_ name: String, _ bytes: [UInt8], length: Int? = nil) {
            let fd = open(folder + "/" + name, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
            _ = bytes.withUnsafeBytes { Glibc.write(fd, $0.baseAddress!, $0.count) }
            if let length { ftruncate(fd, off_t(length)) }
            close(fd)
        }
        file("config.json", Array(config.utf8))
        let text = Array("{\(header.joined(separator: ","))}".utf8)
        let length = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) }
        file("model.safetensors", length + text, length: 8 + text.count + size)
        return size
    }
}
