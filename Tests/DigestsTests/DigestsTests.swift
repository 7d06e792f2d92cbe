import Digests
import Testing

@Suite struct DigestsTests {
    @Test(
        "SHA-256 equals the FIPS 180-4 examples",
        arguments: [
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ])
    func sha256(text: String, expected: String) {
        #expect(SHA256.digest(of: Array(text.utf8)).hex == expected)
    }

    @Test("CRC-32C equals the RFC 3720 check value, however the bytes are cut", arguments: 0...9)
    func crc(cut: Int) {
        let bytes = Array("123456789".utf8)
        let first = bytes[..<cut].withUnsafeBytes { crc32c($0) }
        #expect(bytes[cut...].withUnsafeBytes { crc32c($0, seed: first) } == 0xE306_9283)
    }
}
