import JSON

/// Dollars for a million tokens, read and written.
public struct TokenPrice: Sendable, Equatable {
    public var read: Double
    public var written: Double

    /// `IN,OUT`, as in `0.30,0.60`; nil for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
        guard parts.count == 2, let read = parts[0], let written = parts[1], read >= 0, written >= 0,
            read.isFinite, written.isFinite
        else { return nil }
        self.read = read
        self.written = written
    }

    /// What so many tokens cost, in dollars. An endpoint bills what it has kept, too.
    public func dollars(read tokens: Int, written: Int) -> Double {
        (Double(tokens) * read + Double(written) * self.written) / 1e6
    }

    /// `$0.0012`: two decimals, and more where they would say nothing.
    public func text(read tokens: Int, written: Int) -> String {
        let dollars = dollars(read: tokens, written: written)
        return "$" + JSONValue.decimal(dollars, places: dollars < 1 ? 6 : 2).text
    }
}
