// What the kernel tests share: memory between guard pages, seeded numbers, comparisons.

import CKernels
import Foundation
import Testing

/// Level names that this machine can run, the reference first.
let levels: [String] = (0..<ck_level_count()).filter { ck_level_available($0) }
    .map { String(cString: ck_level_name($0)!) }

/// The levels that are compared with the reference.
let fastLevels = levels.filter { $0 != "reference" }

func kernels(_ level: String) -> ck_kernels { ck_kernels_get(level)!.pointee }

/// Buffers that each touch an inaccessible page, so that one element too far ends the test run.
final class Arena {
    enum Edge: CaseIterable { case low, high }

    let edge: Edge
    private var mappings: [(UnsafeMutableRawPointer, Int)] = []

    /// Buffers begin at their guard page (`low`) or end at it (`high`).
    init(_ edge: Edge = .high) { self.edge = edge }

    func bytes(_ count: Int) -> UnsafeMutableRawPointer {
        let page = 4096
        let body = (max(count, 1) + page - 1) / page * page
        let base = mmap(nil, body + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)!
        precondition(base != MAP_FAILED, "mmap failed")
        mappings.append((base, body + 2 * page))
        precondition(mprotect(base + page, body, PROT_READ | PROT_WRITE) == 0, "mprotect failed")
        memset(base + page, 0xAB, body)
        return edge == .low ? base + page : base + page + body - count
    }

    func array<T: BitwiseCopyable>(_ values: [T]) -> UnsafeMutablePointer<T> {
        let p = bytes(values.count * MemoryLayout<T>.stride).bindMemory(to: T.self, capacity: values.count)
        values.withUnsafeBufferPointer {
            if !values.isEmpty { p.update(from: $0.baseAddress!, count: values.count) }
        }
        return p
    }

    func array(_ values: [Float]?, _ count: Int) -> UnsafeMutablePointer<Float> {
        array(values ?? [Float](repeating: .nan, count: count))
    }

    /// Outputs start as NaN.
    func output(_ count: Int) -> UnsafeMutablePointer<Float> { array([Float](repeating: .nan, count: count)) }

    /// Unmaps everything. Called by `defer`, which also keeps the arena alive until then.
    func free() {
        for (base, size) in mappings { munmap(base, size) }
        mappings = []
    }
}

/// SplitMix64: the same numbers on every machine.
struct Seeded: RandomNumberGenerator {
    var state: UInt64
    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func floats(_ count: Int, _ range: ClosedRange<Float> = -1...1) -> [Float] {
        (0..<count).map { _ in
            range.lowerBound + (range.upperBound - range.lowerBound) * Float(next() >> 40) / Float(1 << 24)
        }
    }
}

func values<T>(_ p: UnsafePointer<T>, _ count: Int) -> [T] {
    Array(UnsafeBufferPointer(start: p, count: count))
}

func bits(_ x: [Float]) -> [UInt32] { x.map(\.bitPattern) }

/// The largest |a - b|, relative to `scale` where it is above 1; infinite when a value is not finite.
func distance(_ a: [Float], _ b: [Float], scale: Float = 1) -> Float {
    precondition(a.count == b.count)
    var worst: Float = 0
    for (x, y) in zip(a, b) {
        guard x.isFinite, y.isFinite else { return .infinity }
        worst = max(worst, abs(x - y) / max(scale, abs(y)))
    }
    return worst
}

func fixture(_ name: String) throws -> [UInt8] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
        "Fixtures")
    return [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
}
