import JSON

/// Compiles constraints for one vocabulary.
///
/// Keeps what schemas have in common (the free string, keys, numbers) between compilations. Use a
/// compiler and its constraints from one thread at a time.
public final class ConstraintCompiler {
    /// White space between the tokens of JSON.
    public enum Spacing: String, Sendable, CaseIterable {
        /// None.
        case compact
        /// A space behind commas and colons, as Python's `json.dumps` writes.
        case spaced
        /// Anything up to 40 characters at a place.
        case flexible
    }

    public struct SchemaOptions {
        public var spacing: Spacing
        /// What verbatim strings are copied from.
        public var source: SourceText?
        /// Whether the string at a path is copied from the source.
        public var isVerbatim: (_ path: String, _ schema: JSONValue) -> Bool
        /// Ignores what cannot be enforced.
        public var isLenient: Bool

        public init(
            spacing: Spacing = .spaced, source: SourceText? = nil, isLenient: Bool = false,
            isVerbatim: @escaping (_ path: String, _ schema: JSONValue) -> Bool = { _, _ in false }
        ) {
            self.spacing = spacing
            self.source = source
            self.isLenient = isLenient
            self.isVerbatim = isVerbatim
        }
    }

    public let trie: TokenTrie
    private var arena = RegexArena()
    private var profiles: ProfileCache
    /// Expressions after which the shared arena is left to its constraints and a new one begun.
    private static let keptExpressions = 300_000

    public init(trie: TokenTrie) {
        self.trie = trie
        profiles = ProfileCache(arena: arena, trie: trie)
        warm()
    }

    /// The inside of a free string is the one profile that walks the whole vocabulary.
    private func warm() {
        let quote = arena.literal([0x22])
        _ = profiles.profile(of: arena.concat(arena.repeated(arena.jsonCharacter, 0), quote))
    }

    private func freshen() {
        arena.searchBudget = RegexArena.searchSteps
        defer { arena.searchBudget = RegexArena.searchSteps }
        guard arena.count > Self.keptExpressions else { return }
        arena = RegexArena()
        profiles = ProfileCache(arena: arena, trie: trie)
        warm()
    }

    /// A text that is JSON and fits a schema.
    ///
    /// - Throws: ``ConstraintError``, with the place in the schema and the keyword.
    public func constraint(
        schema: JSONValue, options: SchemaOptions = SchemaOptions()
    ) throws(ConstraintError) -> Constraint {
        freshen()
        let grammar = Grammar(arena: arena, spacing: options.spacing)
        if let source = options.source { grammar.sources.append(source) }
        let reader = SchemaReader(
            schema, isLenient: options.isLenient, isVerbatim: options.isVerbatim, arena: arena)
        let lowering = SchemaLowering(reader: reader, grammar: grammar, source: options.source)
        let root = try reader.root()
        guard let symbol = try lowering.lower(root, "#") else {
            if case .never(let reason) = try reader.resolve(SchemaReference(places: ["#"])) {
                throw .unsatisfiable(path: "#", reason: reason)
            }
            throw .unsatisfiable(path: "#", reason: "two rules exclude each other")
        }
        grammar.root = symbol
        guard grammar.prune() else {
            throw .unsatisfiable(
                path: "#", reason: "every value would need another value inside, without end")
        }
        let constraint = Constraint(grammar: grammar, trie: trie, profiles: profiles)
        guard arena.searchBudget >= 0 else {
            throw .tooComplex(path: "#", reason: "its patterns and lengths have too many states together")
        }
        arena.searchBudget = RegexArena.searchSteps
        return constraint
    }

    /// A text that is matched as a whole by a pattern of ECMA-262.
    public func constraint(regex: String) throws(ConstraintError) -> Constraint {
        freshen()
        let expression: RegexArena.ID
        do throws(RegexSyntax.Failure) {
            expression = try arena.whole(RegexSyntax(parsing: regex), .plain)
        } catch {
            if error.isUnsupported { throw .unsupported(path: "", keyword: "regex", reason: error.reason) }
            throw .invalid(path: "", keyword: "regex", reason: error.reason)
        }
        return try constraint(expression, "the pattern matches no text")
    }

    /// One of several texts.
    public func constraint(choice: [String]) throws(ConstraintError) -> Constraint {
        freshen()
        return try constraint(
            arena.either(choice.map { arena.literal(Array($0.utf8)) }), "there is nothing to choose from")
    }

    private func constraint(_ expression: RegexArena.ID, _ reason: String) throws(ConstraintError)
        -> Constraint
    {
        guard arena.isLive(expression) else { throw .unsatisfiable(path: "", reason: reason) }
        let grammar = Grammar(arena: arena, spacing: .compact)
        grammar.root = expression
        return Constraint(grammar: grammar, trie: trie, profiles: profiles)
    }
}
