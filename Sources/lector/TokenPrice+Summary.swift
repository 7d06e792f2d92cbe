import ArgumentParser
import Completions
import JSON

extension TokenPrice: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
    public static var defaultCompletionKind: CompletionKind { .default }
}

/// What an endpoint asks for reading the documents of a run, in its summary.
extension TokenPrice {
    func words(read tokens: Int) -> String {
        "\(text(read: tokens, written: 0)) to read at $\(read) a million tokens"
    }

    func member(read tokens: Int) -> JSONMember {
        JSONMember("dollars", .decimal(dollars(read: tokens, written: 0), places: 6))
    }
}

extension JSONValue {
    /// An object with what its tokens cost, if a price is given.
    func priced(_ price: TokenPrice?, tokens: Int) -> JSONValue {
        guard let price, let members else { return self }
        return .object(members + [price.member(read: tokens)])
    }
}
