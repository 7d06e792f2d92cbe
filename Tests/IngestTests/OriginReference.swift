import Documents
import Foundation

/// What `TextOrigin` promises, by decoders of its own: plain, slow, and none of Ingest's.
enum OriginReference {
    /// Whether a stretch of a chunk is what its bytes decode to.
    static func holds(_ origin: TextOrigin, _ chunk: TextChunk, _ container: [UInt8]) -> Bool {
        guard origin.bytes.start >= 0, origin.bytes.end <= container.count,
            origin.range.lowerBound >= chunk.start, origin.range.upperBound <= chunk.start + chunk.utf8.count
        else { return false }
        let text = decode(origin, Array(container[origin.bytes.start..<origin.bytes.end]))
        let end = origin.offset + origin.range.count
        guard origin.offset >= 0, end <= text.count else { return false }
        let stretch = chunk.utf8[
            origin.range.lowerBound - chunk.start..<origin.range.upperBound - chunk.start]
        return text[origin.offset..<end] == stretch
    }

    private static func decode(_ origin: TextOrigin, _ encoded: [UInt8]) -> [UInt8] {
        let bytes =
            switch origin.transfer {
            case .identity: encoded
            case .quotedPrintable: quotedPrintable(encoded)
            case .base64: base64(encoded)
            case .uuencode: uuencode(encoded)
            }
        let text =
            origin.charset == "UTF-8"
            ? Array(String(decoding: bytes, as: UTF8.self).utf8)
            : converted(bytes, origin.charset)
        guard origin.foldsLineEnds else { return text }
        return Array(
            String(decoding: text, as: UTF8.self).unicodeScalars.reduce(into: [UInt8]()) { out, scalar in
                if scalar == "\n", out.last == 0x0D { out.removeLast() }
                out += Array(String(Character(scalar)).utf8)
            })
    }

    private static func quotedPrintable(_ encoded: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        var rest = encoded[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "=") else {
                out.append(byte)
                continue
            }
            let blank = rest.prefix { $0 == 0x20 || $0 == 0x09 }
            let after = rest.dropFirst(blank.count)
            if after.isEmpty {
                rest = after
            } else if after.first == 0x0A {
                rest = after.dropFirst()
            } else if after.starts(with: [0x0D, 0x0A]) {
                rest = after.dropFirst(2)
            } else if rest.count >= 2, rest.prefix(2).allSatisfy({ Character(.init($0)).isHexDigit }) {
                out.append(UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)!)
                rest = rest.dropFirst(2)
            } else {
                out.append(byte)
            }
        }
        return out
    }

    private static func base64(_ encoded: [UInt8]) -> [UInt8] {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var out: [UInt8] = []
        // Padding ends an encoding; another may follow.
        for piece in encoded.split(separator: UInt8(ascii: "=")) {
            let bits = piece.compactMap { alphabet.firstIndex(of: $0) }
            for start in stride(from: 0, to: bits.count, by: 4) {
                let group = bits[start..<min(start + 4, bits.count)]
                let word = group.reduce(0) { $0 << 6 | $1 } << (6 * (4 - group.count))
                for index in 0..<max(0, group.count - 1) { out.append(UInt8(word >> (16 - 8 * index) & 255)) }
            }
        }
        return out
    }

    private static func uuencode(_ encoded: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        var hasBegun = false
        for raw in encoded.split(separator: 0x0A, omittingEmptySubsequences: false) {
            let line = raw.last == 0x0D ? Array(raw.dropLast()) : Array(raw)
            if !hasBegun {
                hasBegun = line.starts(with: Array("begin ".utf8))
                continue
            }
            guard let first = line.first, first != 0x60, first != 0x20, !line.starts(with: Array("end".utf8))
            else {
                break
            }
            let wanted = Int((first &- 0x20) & 63)
            var decoded: [UInt8] = []
            for start in stride(from: 1, to: line.count, by: 4) {
                var word: UInt32 = 0
                for place in start..<start + 4 {
                    let six: UInt32 = place < line.count ? UInt32((line[place] &- 0x20) & 63) : 0
                    word = word << 6 | six
                }
                decoded += [UInt8(word >> 16 & 255), UInt8(word >> 8 & 255), UInt8(word & 255)]
            }
            out += decoded.prefix(wanted)
        }
        return out
    }

    /// A byte at a time through iconv; what is not valid is U+FFFD.
    private static func converted(_ bytes: [UInt8], _ charset: String) -> [UInt8] {
        guard let handle = iconv_open("UTF-8", charset), Int(bitPattern: handle) != -1 else { return [] }
        defer { iconv_close(handle) }
        var out: [UInt8] = []
        var input = bytes.map { CChar(bitPattern: $0) }
        var position = 0
        var room = [CChar](repeating: 0, count: 64)
        while position < input.count {
            var length = 1
            while true {
                var code: Int32 = 0
                var taken = 0
                input.withUnsafeMutableBufferPointer { input in
                    room.withUnsafeMutableBufferPointer { room in
                        var source: UnsafeMutablePointer<CChar>? = input.baseAddress! + position
                        var left = length
                        var target: UnsafeMutablePointer<CChar>? = room.baseAddress
                        var free = room.count
                        let result = iconv(handle, &source, &left, &target, &free)
                        code = result == -1 ? errno : 0
                        taken = length - left
                        out += room.prefix(room.count - free).map { UInt8(bitPattern: $0) }
                    }
                }
                position += taken
                length -= taken
                if code == 0 { break }
                if code == EINVAL, position + length < input.count {
                    length += 1
                    continue
                }
                out += [0xEF, 0xBF, 0xBD]
                position += code == EINVAL ? length : 1
                break
            }
        }
        room.withUnsafeMutableBufferPointer { room in
            var target: UnsafeMutablePointer<CChar>? = room.baseAddress
            var free = room.count
            iconv(handle, nil, nil, &target, &free)
            out += room.prefix(room.count - free).map { UInt8(bitPattern: $0) }
        }
        return out
    }
}
