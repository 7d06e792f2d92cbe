import CUchardet
import Documents
import Glibc
import Synchronization

/// Names of charsets, and guesses at them.
enum Charset {
    /// A byte order mark: the charset and the length of the mark.
    static func byteOrderMark(_ bytes: UnsafeRawBufferPointer) -> (name: String, length: Int)? {
        if bytes.begins(with: [0xEF, 0xBB, 0xBF]) { return ("UTF-8", 3) }
        if bytes.begins(with: [0xFF, 0xFE, 0, 0]) { return ("UTF-32LE", 4) }
        if bytes.begins(with: [0, 0, 0xFE, 0xFF]) { return ("UTF-32BE", 4) }
        if bytes.begins(with: [0xFF, 0xFE]) { return ("UTF-16LE", 2) }
        if bytes.begins(with: [0xFE, 0xFF]) { return ("UTF-16BE", 2) }
        return nil
    }

    /// UTF-16 or UTF-32 without a mark: text whose ASCII shows as zeros at one residue.
    static func wideWithoutMark(_ all: UnsafeRawBufferPointer) -> String? {
        let count = min(all.count, 4096) & ~3
        guard count >= 8 else { return nil }
        var zeros = [0, 0, 0, 0]
        var breaks = [0, 0]  // line breaks and spaces as UTF-16LE, UTF-16BE
        for index in stride(from: 0, to: count, by: 2) {
            if all[index] == 0 { zeros[index & 3] += 1 }
            if all[index + 1] == 0 { zeros[(index + 1) & 3] += 1 }
            if all[index + 1] == 0, all[index] == 0x20 || all[index] == 0x0A { breaks[0] += 1 }
            if all[index] == 0, all[index + 1] == 0x20 || all[index + 1] == 0x0A { breaks[1] += 1 }
        }
        let quarter = count / 4
        if zeros[0] * 10 > quarter * 9, zeros[1] * 10 > quarter * 9, zeros[3] == 0 { return "UTF-32BE" }
        if zeros[2] * 10 > quarter * 9, zeros[3] * 10 > quarter * 9, zeros[0] == 0 { return "UTF-32LE" }
        let even = zeros[0] + zeros[2]
        let odd = zeros[1] + zeros[3]
        let half = count / 2
        if odd * 10 > half * 4, even * 50 < half { return "UTF-16LE" }
        if even * 10 > half * 4, odd * 50 < half { return "UTF-16BE" }
        if even == 0, breaks[0] > 2, odd <= breaks[0] * 20 { return "UTF-16LE" }
        if odd == 0, breaks[1] > 2, even <= breaks[1] * 20 { return "UTF-16BE" }
        return nil
    }

    /// uchardet's opinion on bytes that are not UTF-8, corrected by what speaks against it; nil
    /// where it has none.
    static func guess(_ bytes: UnsafeRawBufferPointer) -> String? {
        let detector = uchardet_new()
        defer { uchardet_delete(detector) }
        let part = bytes.slice(0..<min(bytes.count, 256 << 10))
        guard let base = part.baseAddress,
            uchardet_handle_data(detector, base.assumingMemoryBound(to: CChar.self), part.count) == 0
        else { return nil }
        uchardet_data_end(detector)
        let name = String(cString: uchardet_get_charset(detector))
        return name.isEmpty ? nil : CharsetEvidence.corrected(name, part)
    }

    /// The charset for bytes of which none is declared: UTF-8 if that is what they are (a
    /// few broken stretches among more sound ones do not change that), else uchardet's
    /// guess, else windows-1252, which reads everything.
    ///
    /// - Parameter isWhole: Whether nothing comes after the bytes.
    static func detect(_ bytes: UnsafeRawBufferPointer, isWhole: Bool) -> String {
        if let mark = byteOrderMark(bytes) { return mark.name }
        let census = UTF8Text.census(bytes)
        let isASCII = census.wide == 0 && census.invalid == 0 && census.cut == 0
        if isASCII {
            // Seven bits can still be ISO-2022-JP, -KR or HZ.
            let hasShift = bytes.firstOffset(of: 0x1B) != nil || bytes.firstOffset(of: "~{") != nil
            guard hasShift, let name = guess(bytes), name.hasPrefix("ISO-2022") || name.hasPrefix("HZ") else {
                return "UTF-8"
            }
            return name
        }
        let broken = census.invalid + (isWhole && census.cut > 0 ? 1 : 0)
        if broken == 0 || census.wide > broken * 4 { return "UTF-8" }
        guard let name = guess(bytes), name.asciiLowercased != "utf-8", name.asciiLowercased != "ascii" else {
            return "WINDOWS-1252"
        }
        return name
    }

    /// Whether the meaning of bytes depends on what stands before: the text can only be decoded
    /// from its beginning.
    static func isStateful(_ charset: String) -> Bool {
        charset.hasPrefix("ISO-2022") || charset.hasPrefix("UTF-7") || charset.hasPrefix("HZ")
            || charset == "BIG5-HKSCS" || charset == "CP1255" || charset == "CP1258" || charset == "TCVN"
            || charset == "UTF-16" || charset == "UTF-32" || charset.hasPrefix("EUC-JISX0213")
            || charset.hasPrefix("SHIFT_JISX0213")
    }

    /// What a declared name means to those who write it: the superset that browsers take,
    /// in iconv's spelling.
    static func canonical(_ declared: String) -> String {
        var name = declared.asciiLowercased
        name = String(name.drop { $0 == " " || $0 == "\"" || $0 == "'" })
        while let last = name.last, last == " " || last == "\"" || last == "'" || last == ";" {
            name.removeLast()
        }
        if let known = supersets[name] { return known }
        if name.hasPrefix("cp-") { name = "cp" + name.dropFirst(3) }
        if name.hasPrefix("windows") {
            let digits = name.filter { $0.isASCII && $0.isNumber }
            if !digits.isEmpty { name = "cp" + digits }
        }
        if name.hasPrefix("x-mac-") { name = "mac-" + name.dropFirst(6) }
        return name.uppercased()
    }

    private static let supersets: [String: String] = [
        "us-ascii": "CP1252", "ascii": "CP1252", "ansi_x3.4-1968": "CP1252", "iso-8859-1": "CP1252",
        "iso8859-1": "CP1252", "iso_8859-1": "CP1252", "latin1": "CP1252", "l1": "CP1252", "8bit": "CP1252",
        "iso-8859-1-windows-1252": "CP1252", "default": "CP1252", "x-unknown": "CP1252",
        "unknown-8bit": "CP1252", "iso-8859-9": "CP1254", "latin5": "CP1254", "tis-620": "CP874",
        "iso-8859-11": "CP874", "gb2312": "GB18030", "gbk": "GB18030", "cn-gb": "GB18030",
        "x-gbk": "GB18030", "chinesebig5": "BIG5-HKSCS", "big5": "BIG5-HKSCS", "x-big5": "BIG5-HKSCS",
        "ks_c_5601-1987": "CP949", "ksc5601": "CP949", "ksc_5601": "CP949", "euc-kr": "CP949",
        "korean": "CP949", "uhc": "CP949", "shift_jis": "CP932", "shift-jis": "CP932", "sjis": "CP932",
        "x-sjis": "CP932", "ms_kanji": "CP932", "windows-31j": "CP932", "iso-8859-8-i": "CP1255",
        "iso-8859-8": "CP1255", "visual": "CP1255", "iso-8859-6-i": "ISO-8859-6", "utf8": "UTF-8",
        "utf-8": "UTF-8", "unicode-1-1-utf-8": "UTF-8", "utf-7": "UTF-7", "unicode-1-1-utf-7": "UTF-7",
        "x-user-defined": "CP1252", "macintosh": "MACINTOSH", "x-macroman": "MACINTOSH",
        "x-mac-cyrillic": "MAC-CYRILLIC", "hz-gb-2312": "HZ-GB-2312", "x-iso-2022-jp": "ISO-2022-JP-2",
        "iso-2022-jp": "CP50221", "x-cp1251": "CP1251", "koi8": "KOI8-R", "x-koi8-r": "KOI8-R",
        "iso-8859-16": "ISO-8859-16", "x-windows-949": "CP949", "mac-centraleurope": "MAC-CENTRALEUROPE",
    ]
}

/// Bytes of one charset to UTF-8, in any cuts; what is not valid becomes U+FFFD.
final class CharsetDecoder {
    /// As iconv spells it.
    let charset: String
    private(set) var repairs = 0
    private let handle: iconv_t?
    private var pending: [UInt8] = []
    private var scratch: [UInt8] = []

    /// - Returns: Nil if there is no such charset on this system.
    init?(_ declared: String) {
        let canonical = declared == "UTF-8" ? declared : Charset.canonical(declared)
        if canonical == "UTF-8" {
            charset = canonical
            handle = nil
            return
        }
        // glibc has no CP50221 and no HZ.
        let spellings =
            canonical == "CP50221" ? ["ISO-2022-JP-3", "ISO-2022-JP-2", "ISO-2022-JP"] : [canonical]
        for spelling in spellings {
            guard spelling.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x2F }), !spelling.isEmpty else {
                return nil
            }
            if let handle = ConverterPool.take(spelling) {
                self.handle = handle
                charset = spelling
                return
            }
        }
        return nil
    }

    deinit { if let handle { ConverterPool.give(handle, charset) } }

    /// Bytes that were given and wait for the rest of their character.
    var pendingBytes: Int { pending.count }

    /// Decodes what comes next.
    ///
    /// - Parameter isLast: Whether nothing follows: a scalar that is cut then is broken.
    func decode(_ bytes: UnsafeRawBufferPointer, isLast: Bool, into output: inout [UInt8]) {
        if pending.isEmpty {
            let left = convert(bytes, isLast: isLast, into: &output)
            if left > 0 { pending = Array(bytes.suffix(left)) }
            return
        }
        var joined = pending
        joined.append(contentsOf: bytes)
        pending = []
        let left = joined.withUnsafeBytes { convert($0, isLast: isLast, into: &output) }
        if left > 0 { pending = Array(joined.suffix(left)) }
    }

    /// As ``decode(_:isLast:into:)``, but UTF-8 that is valid is given on where it lies.
    func withDecoded(_ bytes: UnsafeRawBufferPointer, isLast: Bool, _ body: (UnsafeRawBufferPointer) -> Void)
    {
        if handle == nil, pending.isEmpty, UTF8Text.validEnd(bytes) == bytes.count { return body(bytes) }
        var utf8 = scratch
        scratch = []
        utf8.removeAll(keepingCapacity: true)
        utf8.reserveCapacity(bytes.count + bytes.count / 2)
        decode(bytes, isLast: isLast, into: &utf8)
        utf8.withUnsafeBytes(body)
        scratch = utf8
    }

    private func convert(_ bytes: UnsafeRawBufferPointer, isLast: Bool, into output: inout [UInt8]) -> Int {
        guard let handle else {
            let (repaired, left) = UTF8Text.repair(bytes, isLast: isLast, into: &output)
            repairs += repaired
            return left
        }
        var input = UnsafeMutablePointer(
            mutating: bytes.baseAddress.map { $0.assumingMemoryBound(to: CChar.self) })
        var inputLeft = bytes.count
        while inputLeft > 0 {
            let code = step(handle, &input, &inputLeft, room: min(inputLeft * 2 + 64, 64 << 10), &output)
            switch code {
            case 0, E2BIG: continue
            case EINVAL:
                if !isLast { return inputLeft }
                output += UTF8Text.replacement
                repairs += 1
                inputLeft = 0
            default:
                output += UTF8Text.replacement
                repairs += 1
                input = input.map { $0 + 1 }
                inputLeft -= 1
            }
        }
        if isLast {  // some charsets keep a base letter back for the accent that may follow
            input = nil
            _ = step(handle, &input, &inputLeft, room: 64, &output)
        }
        return 0
    }

    /// One call of iconv, which appends to the output; without an input it ends the text. From
    /// what glibc takes for UTF-8 or UCS-4 (`UT&F-8`, `INTERNAL`) come characters beyond U+10FFFF, too,
    /// which are no UTF-8.
    ///
    /// - Returns: 0 or the error number.
    private func step(
        _ handle: iconv_t, _ input: inout UnsafeMutablePointer<CChar>?, _ inputLeft: inout Int, room: Int,
        _ output: inout [UInt8]
    ) -> Int32 {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: room) { buffer in
            var target = buffer.baseAddress
            var targetLeft = room
            let result = iconv(handle, &input, &inputLeft, &target, &targetLeft)
            let code = result == -1 ? errno : 0
            let produced = UnsafeRawBufferPointer(start: buffer.baseAddress, count: room - targetLeft)
            repairs += UTF8Text.withRepaired(produced) { output.append(contentsOf: $0) }
            return code
        }
    }
}

/// Converters that are not in use: opening one loads a module of the C library, which costs more
/// than the mail that needs it.
private enum ConverterPool {
    private struct Handles: @unchecked Sendable {
        var free: [String: [iconv_t]] = [:]
    }

    private static let handles = Mutex(Handles())
    private static let maxFree = 4

    static func take(_ charset: String) -> iconv_t? {
        if let handle = handles.withLock({ $0.free[charset]?.popLast().map { Int(bitPattern: $0) } }) {
            return iconv_t(bitPattern: handle)
        }
        guard let handle = iconv_open("UTF-8", charset), Int(bitPattern: handle) != -1 else { return nil }
        return handle
    }

    static func give(_ handle: iconv_t, _ charset: String) {
        iconv(handle, nil, nil, nil, nil)
        let bits = Int(bitPattern: handle)
        let isKept = handles.withLock { handles in
            guard handles.free[charset, default: []].count < maxFree, handles.free.count < 100 else {
                return false
            }
            handles.free[charset, default: []].append(iconv_t(bitPattern: bits)!)
            return true
        }
        if !isKept { iconv_close(handle) }
    }
}

/// Decodes whole texts of mail.
enum TextDecoder {
    /// How bytes are read that have a declared charset, or none.
    struct Choice {
        /// As `CharsetDecoder` takes it.
        var charset: String
        /// Length of the byte order mark before the text.
        var markLength = 0
        /// One line for each thing that had to be decided.
        var warnings: [String] = []
        /// Whether the bytes are valid UTF-8 as they are.
        var isVerbatim = false
    }

    /// The declared charset, or what the bytes look like where none is declared, it is unknown,
    /// or it does not fit.
    static func choose(_ bytes: UnsafeRawBufferPointer, declared: String?) -> Choice {
        var warnings: [String] = []
        var name = declared.map(Charset.canonical)
        var body = bytes
        if let mark = Charset.byteOrderMark(bytes), mark.name == "UTF-8" || name?.hasPrefix("UTF-") != false {
            name = mark.name
            body = bytes.slice(mark.length..<bytes.count)
        }
        let markLength = bytes.count - body.count
        let isASCII = UTF8Text.asciiEnd(body) == body.count
        if isASCII, name == nil || name == "UTF-8" || name == "CP1252", body.firstOffset(of: 0x1B) == nil {
            return Choice(charset: "UTF-8", markLength: markLength, isVerbatim: true)
        }
        if let known = name, known != "UTF-8", CharsetDecoder(known) == nil {
            warnings.append("charset \(declared ?? "") is unknown here; guessed from the bytes")
            name = nil
        }
        if name == nil || name == "UTF-8" || (name == "CP1252" && isUnspecific(declared)) {
            let detected = Charset.detect(body, isWhole: true)
            if name == "UTF-8", Charset.canonical(detected) != "UTF-8" {
                warnings.append("declared utf-8, but the bytes are not; read as \(detected)")
            }
            name = detected
        }
        let charset = name.flatMap { CharsetDecoder($0) == nil ? nil : $0 } ?? "WINDOWS-1252"
        let isVerbatim =
            Charset.canonical(charset) == "UTF-8" && UTF8Text.validEnd(body) == body.count
        return Choice(charset: charset, markLength: markLength, warnings: warnings, isVerbatim: isVerbatim)
    }

    /// Gives bytes on as UTF-8, where they lie when they are that already.
    static func withDecoded<Result>(
        _ bytes: UnsafeRawBufferPointer, declared: String?,
        _ body: (_ utf8: UnsafeRawBufferPointer, _ choice: Choice) -> Result
    ) -> Result {
        var choice = choose(bytes, declared: declared)
        let text = bytes.slice(choice.markLength..<bytes.count)
        if choice.isVerbatim { return body(text, choice) }
        let decoder = CharsetDecoder(choice.charset)!
        var utf8: [UInt8] = []
        utf8.reserveCapacity(text.count + text.count / 8)
        decoder.decode(text, isLast: true, into: &utf8)
        if decoder.repairs > 0 {
            choice.warnings.append(
                "\(decoder.repairs) invalid stretches of \(decoder.charset) replaced by U+FFFD")
        }
        return utf8.withUnsafeBytes { body($0, choice) }
    }

    static func decode(_ bytes: UnsafeRawBufferPointer, declared: String?) -> [UInt8] {
        withDecoded(bytes, declared: declared) { utf8, _ in Array(utf8) }
    }

    /// Declared names that say no more than "some bytes": 8-bit text in US-ASCII.
    private static func isUnspecific(_ declared: String?) -> Bool {
        guard let name = declared?.asciiLowercased else { return true }
        return ["us-ascii", "ascii", "unknown-8bit", "x-unknown", "8bit", "default", "x-user-defined"]
            .contains(name)
    }
}
