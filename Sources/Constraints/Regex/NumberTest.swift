/// A test of a decimal number's value, digit by digit; its grammar is tested beside it.
///
/// The number is written without exponent and without leading zeros, as `RegexArena` makes sure
/// by an intersection with a number's grammar. A sign is not seen by bounds, which compare
/// magnitudes.
struct NumberTest: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        /// The magnitude against a bound.
        case compare(Bound, Relation)
        /// A multiple of `divisor` / 10^`scale`.
        case multiple(divisor: Int, scale: Int)
    }

    enum Relation: Hashable, Sendable { case atMost, below, atLeast, above }

    /// A magnitude: digits before the point without leading zeros, and after it without trailing ones.
    struct Bound: Hashable, Sendable {
        var whole: [UInt8]
        var fraction: [UInt8]
    }

    static let alphabet = Array("-.0123456789".utf8)

    private let kind: Kind
    /// Digits of the whole part, counted up to one more than the bound has.
    private var count = 0
    /// Digits of the fraction; -1 before the point.
    private var place = -1
    /// -1, 0, 1 as the digits so far stand to the bound's; or the remainder so far.
    private var state = 0

    init(_ kind: Kind) { self.kind = kind }

    /// The test behind one more byte; nil when no number can pass any more.
    func next(_ byte: UInt8) -> NumberTest? {
        var test = self
        switch byte {
        case UInt8(ascii: "-"): return self
        case UInt8(ascii: "."):
            guard place < 0 else { return nil }
            test.closeWhole()
            test.place = 0
        case UInt8(ascii: "0")...UInt8(ascii: "9"): test.read(Int(byte) - 48)
        default: return nil
        }
        return test.isHopeless ? nil : test
    }

    private mutating func read(_ digit: Int) {
        switch kind {
        case .compare(let bound, _):
            if place < 0 {
                if count < bound.whole.count, state == 0 {
                    state = (digit - (Int(bound.whole[count]) - 48)).signum()
                }
                count = min(count + 1, bound.whole.count + 1)
            } else {
                let other = place < bound.fraction.count ? Int(bound.fraction[place]) - 48 : 0
                if state == 0 { state = (digit - other).signum() }
                place = min(place + 1, bound.fraction.count)
            }
        case .multiple(let divisor, let scale):
            if place < 0 {
                state = (state * 10 + digit) % divisor
            } else if place < scale {
                state = (state * 10 + digit) % divisor
                place += 1
            } else if digit != 0 {
                state = -1
            }
        }
    }

    /// What the whole part came to, once its length is known.
    private mutating func closeWhole() {
        guard case .compare(let bound, _) = kind else { return }
        if count != bound.whole.count { state = (count - bound.whole.count).signum() }
        count = 0
    }

    private var isHopeless: Bool {
        switch kind {
        case .multiple(let divisor, let scale):
            // In a fraction so many digits are left, and no others.
            guard state >= 0, place >= 0 else { return state < 0 }
            let (missing, power) = missing(of: divisor, digits: scale - min(place, scale), to: divisor)
            return missing >= power
        case .compare(let bound, let relation):
            switch relation {
            case .atMost, .below:
                return place < 0 ? count > bound.whole.count : state > 0
            case .atLeast, .above: return place >= 0 && state < 0
            }
        }
    }

    /// What digits must come to behind the number so far to make it a multiple of `modulus`, and ten to the power of
    /// their number, both at most `limit`.
    private func missing(of modulus: Int, digits: Int, to limit: Int) -> (value: Int, power: Int) {
        var rest = state % modulus
        var power = 1
        for _ in 0..<digits {
            rest = rest * 10 % modulus
            power = min(power * 10, limit)
        }
        return (rest == 0 ? 0 : modulus - rest, power)
    }

    /// Digits that make a multiple of the number, bounds aside; nil for a comparison.
    var completion: [UInt8]? {
        guard case .multiple(let divisor, let scale) = kind, state >= 0 else { return nil }
        var modulus = divisor
        var count = scale - min(max(0, place), scale)
        if place < 0 {
            // Zeros of the fraction count as well.
            for _ in 0..<scale {
                if modulus % 2 == 0 { modulus /= 2 }
                if modulus % 5 == 0 { modulus /= 5 }
            }
            count = String(modulus - 1).utf8.count
            if state == 0 { return Array(String(modulus).utf8) }
        }
        let digits = String(missing(of: modulus, digits: count, to: modulus).value).utf8
        return [UInt8](repeating: UInt8(ascii: "0"), count: max(0, count - digits.count)) + digits
    }

    /// Whether the number may end here.
    var isAccepting: Bool {
        switch kind {
        case .multiple(let divisor, let scale):
            guard state >= 0 else { return false }
            var rest = state
            for _ in max(0, place)..<scale { rest = rest * 10 % divisor }
            return rest == 0
        case .compare(let bound, let relation):
            var test = self
            if place < 0 {
                test.closeWhole()
                test.place = 0
            }
            var result = test.state
            if result == 0, bound.fraction.count > test.place { result = -1 }
            switch relation {
            case .atMost: return result <= 0
            case .below: return result < 0
            case .atLeast: return result >= 0
            case .above: return result > 0
            }
        }
    }
}
