import JSON

/// A decimal number of any length, exact.
struct Decimal: Hashable, Comparable, Sendable {
    var isNegative: Bool
    /// Digits before the point, without leading zeros; one zero at least.
    var whole: [UInt8]
    /// Digits behind it, without trailing zeros.
    var fraction: [UInt8]

    /// - Parameter text: A JSON number. Nil beyond 1000 digits.
    init?(_ text: String) {
        var digits: [UInt8] = []
        var point: Int?
        var exponent = 0
        var bytes = Array(text.utf8)[...]
        isNegative = bytes.first == UInt8(ascii: "-")
        if isNegative { bytes = bytes.dropFirst() }
        while let byte = bytes.first {
            bytes = bytes.dropFirst()
            switch byte {
            case UInt8(ascii: "."): point = digits.count
            case UInt8(ascii: "e"), UInt8(ascii: "E"):
                guard let value = Int(String(decoding: bytes, as: UTF8.self)) else { return nil }
                exponent = value
                bytes = []
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digits.append(byte)
            default: return nil
            }
        }
        guard !digits.isEmpty, abs(exponent) <= 1000, digits.count <= 1000 else { return nil }
        var place = (point ?? digits.count) + exponent
        if place < 0 {
            digits = [UInt8](repeating: 48, count: -place) + digits
            place = 0
        }
        if place > digits.count { digits += [UInt8](repeating: 48, count: place - digits.count) }
        whole = Array(digits[..<place].drop { $0 == 48 })
        if whole.isEmpty { whole = [48] }
        fraction = Array(digits[place...])
        while fraction.last == 48 { fraction.removeLast() }
        if whole == [48], fraction.isEmpty { isNegative = false }
    }

    var isInteger: Bool { fraction.isEmpty }

    var bound: NumberTest.Bound { NumberTest.Bound(whole: whole, fraction: fraction) }

    /// The shortest spelling without an exponent.
    var text: String {
        (isNegative ? "-" : "") + String(decoding: whole, as: UTF8.self)
            + (fraction.isEmpty ? "" : "." + String(decoding: fraction, as: UTF8.self))
    }

    private func magnitudeOrder(_ other: Decimal) -> Int {
        if whole.count != other.whole.count { return whole.count < other.whole.count ? -1 : 1 }
        if whole != other.whole { return whole.lexicographicallyPrecedes(other.whole) ? -1 : 1 }
        if fraction == other.fraction { return 0 }
        return fraction.lexicographicallyPrecedes(other.fraction) ? -1 : 1
    }

    static func < (a: Decimal, b: Decimal) -> Bool {
        if a.isNegative != b.isNegative { return a.isNegative }
        return a.isNegative ? a.magnitudeOrder(b) > 0 : a.magnitudeOrder(b) < 0
    }

    /// The number as `digits` / 10^`scale`; nil when the digits are too many for a remainder.
    var scaled: (digits: Int, scale: Int)? {
        guard whole.count + fraction.count <= 16,
            let digits = Int(String(decoding: whole + fraction, as: UTF8.self))
        else { return nil }
        return (digits, fraction.count)
    }
}
