import CKernels
import WeightFiles

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A published model whose tensors are packed into memory as they are asked for.
struct PackingSource: TensorSource {
    let tensors: any CheckpointTensors
    let recipe: Recipe

    func place(
        _ spec: TensorSpec
    ) throws(WeightFileError) -> (pointer: UnsafeRawPointer, format: WeightFormat, owner: AnyObject) {
        let format = format(of: spec)
        let memory = AlignedBytes(format.byteCount(shape: spec.shape))
        try pack(spec, as: format, into: memory.pointer)
        return (UnsafeRawPointer(memory.pointer), format, memory)
    }

    func format(of spec: TensorSpec) -> WeightFormat {
        guard spec.kind == .matrix else { return .vector }
        return recipe.format(
            name: spec.name, columns: spec.shape[1], storage: tensors.storage(of: spec.name))
    }

    /// Writes tensor `spec` in `format` to `out`, a few hundred rows at a time. What lies on the
    /// format's grid, Q4_0 blocks above all, keeps its values exactly.
    func pack(
        _ spec: TensorSpec, as format: WeightFormat, into out: UnsafeMutableRawPointer
    ) throws(WeightFileError) {
        if spec.kind != .matrix {
            let floats = out.bindMemory(to: Float.self, capacity: spec.count)
            return try tensors.forEachPiece(spec) { _, _, values in
                guard spec.kind == .convolution else {
                    return floats.update(from: values.baseAddress!, count: spec.count)
                }
                let (taps, channels) = (spec.shape[0], spec.shape[1])
                for tap in 0..<taps {
                    for c in 0..<channels { floats[tap * channels + c] = values[c * taps + tap] }
                }
            }
        }
        let columns = spec.shape[1]
        let panelBytes = Int(ck_panel_bytes(format.kernelFormat, Int64(columns)))
        let isQ4Grid = format == .q4 && tensors.storage(of: spec.name) == .q4Grid
        try tensors.forEachPiece(spec) { (row, rows, values) throws(WeightFileError) in
            let target = out + row / 16 * panelBytes
            if isQ4Grid {
                let blocks = try tensors.q4Blocks(spec.name, row * columns..<(row + rows) * columns)
                blocks.withUnsafeBytes {
                    Q4Panels.copy(
                        $0.baseAddress!, rows: rows, columns: columns, panelBytes: panelBytes, to: target)
                }
                return
            }
            let packed = ck_pack(
                target, format.kernelFormat, values.baseAddress!, Int64(columns), Int64(rows), Int64(columns),
                0,
                ck_panel_count(Int64(rows)))
            guard packed else {
                throw .malformed(path: tensors.path, what: "\(spec.name) is too large for \(format.rawValue)")
            }
        }
    }
}

extension PublishedModel {
    /// Refuses, before anything is allocated, what this machine's memory cannot hold.
    ///
    /// - Throws: `WeightFileError.memory`.
    package func checkMemory(_ recipe: Recipe, available: Int? = nil) throws(WeightFileError) {
        let available = available ?? sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
        let source = PackingSource(tensors: tensors, recipe: recipe)
        let needed = config.catalog.reduce(0) { $0 + source.format(of: $1).byteCount(shape: $1.shape) }
        guard needed < available else { throw .memory(path: path, needed: needed, available: available) }
    }
}

/// Q4_0 blocks into packed q4 panels, bit for bit: both are groups of 32 with an fp16 scale and
/// values plus 8; only the order differs (`CKernels/include/ckernels.h` draws the panel).
package enum Q4Panels {
    package static func copy(
        _ blocks: UnsafeRawPointer, rows: Int, columns: Int, panelBytes: Int, to out: UnsafeMutableRawPointer
    ) {
        let groups = columns / 32
        for panel in 0..<(rows + 15) / 16 {
            let target = out + panel * panelBytes
            // Columns beyond the last row stand for zeros: the value 8 in both nibbles, scale 0.
            memset(target, 0x88, columns * 8)
            memset(target + columns * 8, 0, panelBytes - columns * 8)
            for c in 0..<min(16, rows - panel * 16) {
                for group in 0..<groups {
                    let block = blocks + ((panel * 16 + c) * groups + group) * 18
                    let scale = block.loadUnaligned(as: UInt16.self)
                    (target + columns * 8 + (group * 16 + c) * 2).storeBytes(of: scale, as: UInt16.self)
                    func value(_ k: Int) -> UInt8 {
                        let byte = block.load(fromByteOffset: 2 + k % 16, as: UInt8.self)
                        return k < 16 ? byte & 15 : byte >> 4
                    }
                    for j in 0..<4 {
                        for i in 0..<4 {
                            let byte = value(8 * j + i) | value(8 * j + 4 + i) << 4
                            let at = ((group * 4 + j) * 16 + c) * 4 + i
                            target.storeBytes(of: byte, toByteOffset: at, as: UInt8.self)
                        }
                    }
                }
            }
        }
    }
}
