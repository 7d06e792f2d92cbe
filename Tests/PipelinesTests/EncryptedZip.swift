/// A zip whose entries are stored and encrypted in the way of PKZIP, which every unpacker knows.
enum EncryptedZip {
    static func bytes(_ entries: [(name: String, text: String)], password: String) -> [UInt8] {
        var (file, directory): ([UInt8], [UInt8]) = ([], [])
        for (name, text) in entries {
            let plain = Array(text.utf8)
            let crc = ~plain.reduce(~0) { step($0, $1) }
            var keys = Keys(password)
            let data = ([UInt8](repeating: 7, count: 11) + [UInt8(crc >> 24)] + plain).map {
                keys.encrypt($0)
            }
            // Version, the flag for encryption, stored, time and date.
            let common =
                little(20, 2) + little(1, 2) + little(0, 2) + little(0, 2) + little(0x5A21, 2)
                + little(crc, 4)
                + little(UInt32(data.count), 4) + little(UInt32(plain.count), 4)
                + little(UInt32(name.utf8.count), 2) + little(0, 2)
            directory += little(0x0201_4B50, 4) + little(20, 2) + common
            directory += little(0, 2) + little(0, 2) + little(0, 2) + little(0, 4)
            directory += little(UInt32(file.count), 4) + Array(name.utf8)
            file += little(0x0403_4B50, 4) + common + Array(name.utf8) + data
        }
        let count = UInt32(entries.count)
        let end =
            little(0x0605_4B50, 4) + little(0, 4) + little(count, 2) + little(count, 2)
            + little(UInt32(directory.count), 4) + little(UInt32(file.count), 4) + little(0, 2)
        return file + directory + end
    }

    /// Source: APPNOTE.TXT 6.1, traditional PKWARE encryption.
    private struct Keys {
        var (a, b, c): (UInt32, UInt32, UInt32) = (0x1234_5678, 0x2345_6789, 0x3456_7890)

        init(_ password: String) { for byte in password.utf8 { update(byte) } }

        mutating func update(_ byte: UInt8) {
            a = step(a, byte)
            b = (b &+ (a & 0xFF)) &* 134_775_813 &+ 1
            c = step(c, UInt8(b >> 24))
        }

        mutating func encrypt(_ byte: UInt8) -> UInt8 {
            let mix = (c | 2) & 0xFFFF
            defer { update(byte) }
            return byte ^ UInt8(truncatingIfNeeded: (mix &* (mix ^ 1)) >> 8)
        }
    }

    /// One step of CRC-32.
    private static func step(_ crc: UInt32, _ byte: UInt8) -> UInt32 {
        (0..<8).reduce((crc ^ UInt32(byte)) & 0xFF) { value, _ in
            value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1
        } ^ crc >> 8
    }

    private static func little(_ value: UInt32, _ count: Int) -> [UInt8] {
        (0..<UInt32(count)).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}
