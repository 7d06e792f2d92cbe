import CKernels

/// Rows of one activation, and what the kernels multiply packed weights with.
///
/// `floats` always holds the rows; `eight` and `sixteen` are their prepared forms for q8 and q4,
/// and for bf16 weights, made on demand.
struct Activations {
    let floats: UnsafeMutablePointer<Float>
    /// Distance of two rows of `floats`.
    let stride: Int
    let width: Int
    let eight, sixteen: UnsafeMutableRawPointer
    let eightBytes, sixteenBytes: Int

    init(
        floats: UnsafeMutablePointer<Float>, stride: Int, width: Int, eight: AlignedBytes,
        sixteen: AlignedBytes
    ) {
        self.floats = floats
        self.stride = stride
        self.width = width
        self.eight = eight.pointer
        self.sixteen = sixteen.pointer
        eightBytes = Int(ck_activation_row_bytes(CK_Q8, Int64(width)))
        sixteenBytes = Int(ck_activation_row_bytes(CK_BF16, Int64(width)))
    }

    /// The same memory with rows of another, smaller width.
    func narrowed(to width: Int) -> Activations { Activations(self, width: width) }

    private init(_ other: Activations, width: Int) {
        precondition(width <= other.width)
        (floats, stride, self.width, eight, sixteen) = (
            other.floats, width, width, other.eight, other.sixteen
        )
        eightBytes = Int(ck_activation_row_bytes(CK_Q8, Int64(width)))
        sixteenBytes = Int(ck_activation_row_bytes(CK_BF16, Int64(width)))
    }

    /// The form that gemm wants for weights of `format`, from row `row` on.
    @inline(__always)
    func input(_ format: ck_format, row: Int) -> (pointer: UnsafeRawPointer, rowBytes: Int) {
        switch format {
        case CK_F32: (UnsafeRawPointer(floats + row * stride), stride * 4)
        case CK_BF16: (UnsafeRawPointer(sixteen + row * sixteenBytes), sixteenBytes)
        default: (UnsafeRawPointer(eight + row * eightBytes), eightBytes)
        }
    }

    /// Makes the prepared forms in `needs` for rows `rows`.
    @inline(__always)
    func prepare(_ kernels: ck_kernels, _ needs: Needs, _ rows: Range<Int>) {
        let source = floats + rows.lowerBound * stride
        if needs.contains(.eight) {
            kernels.prepare(
                eight + rows.lowerBound * eightBytes, CK_Q8, source, Int64(stride), Int64(rows.count),
                Int64(width))
        }
        if needs.contains(.sixteen) {
            kernels.prepare(
                sixteen + rows.lowerBound * sixteenBytes, CK_BF16, source, Int64(stride), Int64(rows.count),
                Int64(width))
        }
    }

    /// Which prepared forms a set of matrices asks for.
    struct Needs: OptionSet {
        let rawValue: Int
        static let eight = Needs(rawValue: 1)
        static let sixteen = Needs(rawValue: 2)

        init(rawValue: Int) { self.rawValue = rawValue }

        init(_ matrices: Matrix...) {
            self = []
            for matrix in matrices { add(matrix) }
        }

        mutating func add(_ matrix: Matrix) {
            switch matrix.packed.format {
            case CK_F32: break
            case CK_BF16: insert(.sixteen)
            default: insert(.eight)
            }
        }
    }
}

/// All scratch of one model, allocated once for a chunk of `rows` rows.
final class Workspace {
    let rows: Int
    /// Rows that one thread takes through the row-wise steps at a time: few enough for its cache,
    /// a multiple of six for the product tiles.
    static let blockRows = 66
    /// Tokens of one head's convolution, gates and recurrence at a time.
    static let recurrenceRows = 32
    /// Queries of one head in one call of attention.
    static let queryBlock = 128
    /// Blocks of 64 keys that are expanded at a time in MLA layers, and 16-bit words of one head's.
    let keyBlockCount, headBlockWords: Int
    /// The same as rows, for Float32 latents.
    let exactKeyRows: Int
    /// Rows of logits at a time.
    let headRows: Int
    private var blocks: [AlignedBytes] = []

    // Residual stream, its normed form, and what a layer adds to it: `[rows, hidden]`.
    let x, delta: UnsafeMutablePointer<Float>
    let normed: Activations

    // KDA: `[rows, 3 * width]` before the convolution; `[rows, heads]`; `[rows, width]`; a thread's
    // `[4, recurrenceRows, head width]`.
    let beforeConv, beta, recurrence: UnsafeMutablePointer<Float>
    let decay, gate: UnsafeMutablePointer<Float>
    let narrowF, narrowG: Activations
    /// What the output projection of either mixer reads.
    let kdaOut, mlaOut: Activations

    // MLA. Latents and expanded rows of 64 keys a thread, and blocks of keys.
    let query, latent, keysValues: UnsafeMutablePointer<Float>
    let keyBlocks: UnsafeMutablePointer<UInt16>
    /// With exact latents: per head the whole key, then the value.
    let wholeKeysValues: UnsafeMutablePointer<Float>
    let keyLatents: Activations
    let rowMax, rowSum: UnsafeMutablePointer<Float>
    let attention: UnsafeMutableRawPointer
    let attentionBytes: Int

    // Feed-forward: `[rows, intermediate]`.
    let up: UnsafeMutablePointer<Float>
    let inner: Activations

    // MoE: slots are (row, choice) pairs, `rows * expertsPerToken` of them, sorted by expert.
    let routerLogits, routerWeight, slotUp, slotDown: UnsafeMutablePointer<Float>
    let routerIndex: UnsafeMutablePointer<Int32>
    let slotIn, slotInner: Activations
    /// Slot of each (row, choice), and row of each slot.
    let slotOfChoice, rowOfSlot: UnsafeMutablePointer<Int32>

    // Head.
    let headIn: Activations
    let logits: UnsafeMutablePointer<Float>

    init(config c: ModelConfig, rows: Int, threads: Int, exactLatents: Bool) {
        self.rows = rows
        let expandedWidth = c.mlaHeads * (c.nopeWidth + c.valueWidth)
        let hasMLA = c.layers.contains(.mla)
        let hasKDA = c.layers.contains(.kda)
        let hasMoE = c.feedForward.contains(.moe)
        // Rows of scratch that a step of a block of rows needs.
        let local = max(rows, threads * Self.blockRows)
        headBlockWords = Int(ck_key_block_words(Int64(c.queryWidth), Int64(c.valueWidth)))
        keyBlockCount =
            hasMLA && !exactLatents ? max(2, min(64, (16 << 20) / (c.mlaHeads * headBlockWords * 2))) : 0
        exactKeyRows =
            hasMLA && exactLatents ? max(128, min(2048, (16 << 20) / (expandedWidth * 4))) / 64 * 64 : 0
        let threadKeys = hasMLA ? threads * 64 : 0
        let headRows = max(1, min(64, (24 << 20) / (c.vocabularySize * 4)))
        self.headRows = headRows
        var blocks: [AlignedBytes] = []
        func bytes(_ count: Int) -> AlignedBytes {
            blocks.append(AlignedBytes(count))
            return blocks[blocks.count - 1]
        }
        func floats(_ count: Int) -> UnsafeMutablePointer<Float> { bytes(count * 4).floats() }
        func activations(_ rows: Int, _ width: Int) -> Activations {
            Activations(
                floats: floats(rows * width), stride: width, width: width,
                eight: bytes(rows * Int(ck_activation_row_bytes(CK_Q8, Int64(width)))),
                sixteen: bytes(rows * Int(ck_activation_row_bytes(CK_BF16, Int64(width)))))
        }
        let kdaRows = hasKDA ? rows : 0
        let mlaRows = hasMLA ? rows : 0
        x = floats(rows * c.hidden)
        delta = floats(local * c.hidden)
        normed = activations(local, c.hidden)
        beforeConv = floats(kdaRows * 3 * c.kdaWidth)
        recurrence = floats(hasKDA ? threads * 4 * Self.recurrenceRows * c.kdaHeadWidth : 0)
        beta = floats(kdaRows * c.kdaHeads)
        decay = floats(kdaRows * c.kdaWidth)
        gate = floats(kdaRows * c.kdaWidth)
        narrowF = activations(hasKDA ? local : 0, c.kdaHeadWidth)
        narrowG = activations(hasKDA ? local : 0, c.kdaHeadWidth)
        kdaOut = activations(kdaRows, c.kdaWidth)
        mlaOut = activations(mlaRows, c.mlaHeads * c.valueWidth)
        query = floats(mlaRows * c.mlaHeads * c.queryWidth)
        latent = floats(hasMLA ? local * c.latentWidth : 0)
        keyLatents = activations(threadKeys, c.latentRank)
        keysValues = floats(threadKeys * expandedWidth)
        keyBlocks = bytes(keyBlockCount * c.mlaHeads * headBlockWords * 2).pointer.assumingMemoryBound(
            to: UInt16.self)
        wholeKeysValues = floats(exactKeyRows * c.mlaHeads * (c.queryWidth + c.valueWidth))
        rowMax = floats(mlaRows * c.mlaHeads)
        rowSum = floats(mlaRows * c.mlaHeads)
        let attentionNeeds = max(
            ck_mla_scratch_bytes(Int64(c.queryWidth), Int64(c.valueWidth)),
            ck_mla_blocks_scratch_bytes(Int64(Self.queryBlock), Int64(c.queryWidth)))
        attentionBytes = hasMLA ? (Int(attentionNeeds) + 63) / 64 * 64 : 0
        attention = bytes(attentionBytes * threads).pointer
        let innerWidth = max(
            c.feedForward.contains(.dense) ? c.intermediate : 1,
            hasMoE ? c.expertIntermediate * c.sharedExperts : 1)
        up = floats(local * innerWidth)
        inner = activations(local, innerWidth)
        let slots = hasMoE ? rows * c.expertsPerToken : 0
        routerLogits = floats(hasMoE ? rows * c.experts : 0)
        routerWeight = floats(slots)
        routerIndex = bytes(slots * 4).pointer.bindMemory(to: Int32.self, capacity: slots)
        slotOfChoice = bytes(slots * 4).pointer.bindMemory(to: Int32.self, capacity: slots)
        rowOfSlot = bytes(slots * 4).pointer.bindMemory(to: Int32.self, capacity: slots)
        slotIn = activations(slots, c.hidden)
        slotInner = activations(slots, max(1, c.expertIntermediate))
        slotUp = floats(slots * c.expertIntermediate)
        slotDown = floats(slots * c.hidden)
        headIn = activations(headRows, c.hidden)
        logits = floats(headRows * c.vocabularySize)
        self.blocks = blocks
    }
}
