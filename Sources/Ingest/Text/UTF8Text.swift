import Glibc

/// Checking and repairing of UTF-8.
enum UTF8Text {
    static let replacement: [UInt8] = [0xEF, 0xBF, 0xBD]

    /// What stands at an offset of some bytes.
    enum Sequence: Equatable {
        /// A scalar of so many bytes.
        case scalar(Int)
        /// The beginning of a scalar that the bytes end in.
        case cut
        /// So many bytes that belong to no scalar: one replacement character (the maximal
        /// subpart of Unicode's chapter 3).
        case invalid(Int)
    }

    /// Offset of the first byte that is not ASCII, at or after `from`; the count if all is.
    static func asciiEnd(_ bytes: UnsafeRawBufferPointer, from: Int = 0) -> Int {
        var index = from
        while index + 32 <= bytes.count {
            var words = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            words |= bytes.loadUnaligned(fromByteOffset: index + 8, as: UInt64.self)
            words |= bytes.loadUnaligned(fromByteOffset: index + 16, as: UInt64.self)
            words |= bytes.loadUnaligned(fromByteOffset: index + 24, as: UInt64.self)
            if words & 0x8080_8080_8080_8080 != 0 { break }
            index += 32
        }
        while index + 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080
            if word != 0 { return index + UInt64(littleEndian: word).trailingZeroBitCount / 8 }
            index += 8
        }
        while index < bytes.count, bytes[index] < 0x80 { index += 1 }
        return index
    }

    static func sequence(_ bytes: UnsafeRawBufferPointer, at index: Int) -> Sequence {
        let first = bytes[index]
        let length: Int
        var low: UInt8 = 0x80
        var high: UInt8 = 0xBF
        switch first {
        case 0..<0x80: return .scalar(1)
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, low) = (3, 0xA0)
        case 0xED: (length, high) = (3, 0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, low) = (4, 0x90)
        case 0xF4: (length, high) = (4, 0x8F)
        case 0xF1...0xF3: length = 4
        default: return .invalid(1)
        }
        for step in 1..<length {
            guard index + step < bytes.count else { return .cut }
            let byte = bytes[index + step]
            if byte < low || byte > high { return .invalid(step) }
            (low, high) = (0x80, 0xBF)
        }
        return .scalar(length)
    }

    /// How much of some bytes is UTF-8.
    struct Census {
        /// Scalars of more than one byte.
        var wide = 0
        var invalid = 0
        /// Bytes at the end that may be the beginning of a scalar.
        var cut = 0
    }

    static func census(_ bytes: UnsafeRawBufferPointer) -> Census {
        var result = Census()
        var index = asciiEnd(bytes)
        while index < bytes.count {
            switch sequence(bytes, at: index) {
            case .scalar(1):
                index = asciiEnd(bytes, from: index)
                continue
            case .scalar(let length):
                result.wide += 1
                index += length
            case .invalid(let length):
                result.invalid += 1
                index += length
            case .cut:
                result.cut = bytes.count - index
                return result
            }
        }
        return result
    }

    /// Where the first stretch begins that is no whole scalar; the count if there is none.
    static func validEnd(_ bytes: UnsafeRawBufferPointer) -> Int {
        var index = asciiEnd(bytes)
        while index < bytes.count {
            guard case .scalar(let length) = sequence(bytes, at: index) else { return index }
            index = length == 1 ? asciiEnd(bytes, from: index) : index + length
        }
        return index
    }

    static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let found = census(bytes)
        return found.invalid == 0 && found.cut == 0
    }

    /// The bytes where they lie if they are valid, repaired if they are not: behind damage libxml2 passes bytes on as they
    /// stand, and iconv makes characters beyond U+10FFFF.
    ///
    /// - Returns: How many stretches were replaced.
    @discardableResult
    static func withRepaired(_ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) -> Int
    {
        if validEnd(bytes) == bytes.count {
            body(bytes)
            return 0
        }
        var repaired: [UInt8] = []
        let repairs = repair(bytes, isLast: true, into: &repaired).repairs
        repaired.withUnsafeBytes(body)
        return repairs
    }

    /// The bytes with every invalid stretch replaced by U+FFFD.
    ///
    /// - Returns: How many stretches were replaced, and how many bytes at the end were left
    ///   because they may be the beginning of a scalar (0 with `isLast`).
    @discardableResult
    static func repair(
        _ bytes: UnsafeRawBufferPointer, isLast: Bool, into output: inout [UInt8]
    ) -> (repairs: Int, left: Int) {
        var start = 0
        var index = asciiEnd(bytes)
        var repairs = 0
        func copy(to end: Int, _ output: inout [UInt8]) {
            if end > start { output.append(contentsOf: bytes.slice(start..<end)) }
        }
        while index < bytes.count {
            switch sequence(bytes, at: index) {
            case .scalar(1): index = asciiEnd(bytes, from: index)
            case .scalar(let length): index += length
            case .invalid(let length):
                copy(to: index, &output)
                output += replacement
                repairs += 1
                index += length
                start = index
            case .cut:
                copy(to: index, &output)
                if !isLast { return (repairs, bytes.count - index) }
                output += replacement
                return (repairs + 1, 0)
            }
        }
        copy(to: index, &output)
        return (repairs, 0)
    }
}
