/// Base64 as it comes: what does not belong is passed over and counted.
enum Base64 {
    /// Characters to six bits; 0xFF for what is none, 0xFE for white space, 0xFD for `=`.
    private static let table: [UInt8] = {
        var table = [UInt8](repeating: 0xFF, count: 256)
        for (value, byte) in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
            .enumerated()
        {
            table[Int(byte)] = UInt8(value)
        }
        for byte in [0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x20] { table[byte] = 0xFE }
        table[0x3D] = 0xFD
        return table
    }()

    /// What was not as it must be.
    struct Damage {
        /// Characters outside the alphabet.
        var strays = 0
        /// Whether the last group of four was not complete.
        var isCut = false
    }

    static func decode(_ text: UnsafeRawBufferPointer) -> (bytes: [UInt8], damage: Damage) {
        var damage = Damage()
        let bytes = [UInt8](unsafeUninitializedCapacity: text.count / 4 * 3 + 3) { output, count in
            count = table.withUnsafeBufferPointer { scan(text, $0, &damage, output) }
        }
        return (bytes, damage)
    }

    /// Whether text that is said to be base64 plainly is none: words, which make no text when they are decoded.
    /// Lines of base64 have no spaces in them, and their lengths are multiples of four; stray characters alone make it
    /// damaged base64.
    static func isWords(_ text: UnsafeRawBufferPointer) -> Bool {
        let text = text.slice(0..<min(text.count, 4096))  // the beginning tells
        var runs = 0
        var gaps = 0
        var characters = 0
        // In runs that base64 would not have.
        var odd = 0
        var position = 0
        while position < text.count {
            var end = position
            var strays = 0
            while end < text.count, !isSpace(text[end]) {
                if table[Int(text[end])] == 0xFF { strays += 1 }
                end += 1
            }
            let count = end - position
            runs += 1
            characters += count
            if strays > 0 || count % 4 != 0 { odd += count }
            // To the next run, which may be one of the same line.
            var isSameLine = true
            while end < text.count, isSpace(text[end]) {
                if text[end] == 0x0A || text[end] == 0x0D { isSameLine = false }
                end += 1
            }
            if isSameLine, end < text.count, count > 0 { gaps += 1 }
            position = end
        }
        guard gaps >= 2, odd * 2 > characters, characters < runs * 24 else { return false }
        return decode(text).bytes.withUnsafeBytes { UTF8Text.census($0).invalid > 0 }
    }

    /// Size of what ``decode(_:)`` would give, without the memory.
    static func decodedCount(_ text: UnsafeRawBufferPointer) -> Int {
        var damage = Damage()
        return table.withUnsafeBufferPointer { scan(text, $0, &damage, nil) }
    }

    private static func scan(
        _ text: UnsafeRawBufferPointer, _ table: UnsafeBufferPointer<UInt8>, _ damage: inout Damage,
        _ output: UnsafeMutableBufferPointer<UInt8>?
    ) -> Int {
        var bits: UInt32 = 0
        var held = 0
        var padding = 0
        var count = 0
        for byte in text {
            let value = table[Int(byte)]
            if value < 64 {
                if padding > 0 { (padding, held, bits) = (0, 0, 0) }  // encodings joined end to end
                bits = bits << 6 | UInt32(value)
                held += 1
                if held == 4 {
                    if let output {
                        output[count] = UInt8(truncatingIfNeeded: bits >> 16)
                        output[count + 1] = UInt8(truncatingIfNeeded: bits >> 8)
                        output[count + 2] = UInt8(truncatingIfNeeded: bits)
                    }
                    count += 3
                    held = 0
                }
            } else if value == 0xFD {
                padding += 1
                if padding == 1 {
                    count += tail(bits, held, output, count)
                }
            } else if value == 0xFF {
                damage.strays += 1
            }
        }
        if padding == 0, held > 0 {
            count += tail(bits, held, output, count)
            damage.isCut = true
        }
        return count
    }

    private static func tail(
        _ bits: UInt32, _ held: Int, _ output: UnsafeMutableBufferPointer<UInt8>?, _ count: Int
    ) -> Int {
        switch held {
        case 2:
            output?[count] = UInt8(truncatingIfNeeded: bits >> 4)
            return 1
        case 3:
            output?[count] = UInt8(truncatingIfNeeded: bits >> 10)
            output?[count + 1] = UInt8(truncatingIfNeeded: bits >> 2)
            return 2
        default: return 0
        }
    }
}

/// Quoted-printable as it comes: a `=` that begins no escape stays.
enum QuotedPrintable {
    static func decode(_ text: UnsafeRawBufferPointer) -> (bytes: [UInt8], strays: Int) {
        var strays = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: text.count) { output, count in
            var index = 0
            while index < text.count {
                guard let equals = text.firstOffset(of: 0x3D, from: index) else {
                    count += copy(text, index..<text.count, output, count)
                    break
                }
                count += copy(text, index..<equals, output, count)
                index = equals + 1
                var end = index
                while end < text.count, text[end] == 0x20 || text[end] == 0x09 { end += 1 }
                if end == text.count {
                    index = end
                } else if text[end] == 0x0A {
                    index = end + 1
                } else if text[end] == 0x0D, end + 1 < text.count, text[end + 1] == 0x0A {
                    index = end + 2
                } else if index + 1 < text.count, let high = Hex.value(text[index]),
                    let low = Hex.value(text[index + 1])
                {
                    output[count] = high << 4 | low
                    count += 1
                    index += 2
                } else {
                    output[count] = 0x3D
                    count += 1
                    strays += 1
                }
            }
        }
        return (bytes, strays)
    }

    private static func copy(
        _ text: UnsafeRawBufferPointer, _ range: Range<Int>, _ output: UnsafeMutableBufferPointer<UInt8>,
        _ at: Int
    ) -> Int {
        if range.isEmpty { return 0 }
        UnsafeMutableRawPointer(output.baseAddress! + at).copyMemory(
            from: text.baseAddress! + range.lowerBound, byteCount: range.count)
        return range.count
    }
}

/// uuencode (`begin 644 name` ... `end`), as POSIX describes it.
enum UUEncoding {
    static func decode(_ text: UnsafeRawBufferPointer) -> [UInt8] {
        var result: [UInt8] = []
        var position = 0
        var hasBegun = false
        while position < text.count {
            let end = text.firstOffset(of: 0x0A, from: position) ?? text.count
            let line = trimmed(text.slice(position..<end))
            position = end + 1
            if !hasBegun {
                hasBegun = line.begins(with: "begin ")
                continue
            }
            guard length(line) > 0, !line.begins(with: "end") else { break }
            append(line, to: &result)
        }
        return result
    }

    /// The name in a line `begin 644 name`; nil for any other line. A mode has three octal digits, or four.
    static func name(_ line: UnsafeRawBufferPointer) -> String? {
        guard line.begins(with: "begin "), let space = line.firstOffset(of: 0x20, from: 6),
            space == 9 || space == 10, line[6..<space].allSatisfy({ (0x30...0x37).contains($0) })
        else { return nil }
        return String(decoding: line[(space + 1)...], as: UTF8.self)
    }

    /// Whether a text begins with a file in this encoding: its first line, then a full line of data, or less
    /// than one and the end.
    static func begins(_ text: UnsafeRawBufferPointer) -> Bool {
        var lines: [UnsafeRawBufferPointer] = []
        var position = 0
        while lines.count < 4, position < min(text.count, 4096) {
            let end = text.firstOffset(of: 0x0A, from: position) ?? text.count
            lines.append(trimmed(text.slice(position..<end)))
            position = end + 1
            if lines.count == 1, name(lines[0]) == nil { return false }
        }
        guard lines.count > 1 else { return false }
        if isData(lines[1]), length(lines[1]) == 45 { return true }
        for line in lines[1...] {
            if isEnd(line) { return true }
            guard isData(line) else { return false }
        }
        return false
    }

    /// Bytes that a line says it holds: its first character.
    static func length(_ line: UnsafeRawBufferPointer) -> Int {
        line.first.map { Int(($0 &- 0x20) & 0x3F) } ?? 0
    }

    /// Whether a line is `end`, blanks behind it or not.
    static func isEnd(_ line: UnsafeRawBufferPointer) -> Bool {
        line.begins(with: "end") && line[3...].allSatisfy { $0 == 0x20 || $0 == 0x09 }
    }

    /// Whether a line is one of the encoding. Some mailers cut blanks, which are zeros, off its end; some
    /// programs add a character that sums it up.
    static func isData(_ line: UnsafeRawBufferPointer) -> Bool {
        line.count <= 2 + (length(line) + 2) / 3 * 4 && line.allSatisfy { (0x20...0x60).contains($0) }
    }

    /// A line without its line end.
    static func trimmed(_ line: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        line.last == 0x0D ? line.slice(0..<line.count - 1) : line
    }

    static func append(_ line: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
        func six(_ offset: Int) -> UInt8 { offset < line.count ? (line[offset] &- 0x20) & 0x3F : 0 }
        var left = length(line)
        var group = 1
        while left > 0, group < line.count {
            bytes.append(six(group) << 2 | six(group + 1) >> 4)
            if left > 1 { bytes.append(six(group + 1) << 4 | six(group + 2) >> 2) }
            if left > 2 { bytes.append(six(group + 2) << 6 | six(group + 3)) }
            left -= 3
            group += 4
        }
    }
}
