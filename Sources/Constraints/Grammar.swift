/// What a value may look like: rules over expressions of bytes.
///
/// A symbol is an expression (its id, not negative) or a rule (`~` its index). Rules of objects
/// and arrays unfold one member at a time, when the text gets there.
final class Grammar {
    typealias Symbol = Int32

    enum Rule {
        case sequence([Symbol])
        case choice([Symbol])
        /// Members from `index` on; `count` members stand before.
        case members(object: Int, index: Int, count: Int)
        /// Elements from `count` on.
        case elements(array: Int, count: Int)
        /// Not lowered yet.
        case open
    }

    struct Property {
        /// Name and colon.
        var key: RegexArena.ID
        var value: Symbol
        var isRequired: Bool
    }

    struct Object {
        var properties: [Property]
        /// Names that are not listed: the expression of name and colon, and the value.
        var others: [(key: RegexArena.ID, value: Symbol)]
        var minimum = 0
        var maximum = Int.max
    }

    struct Array {
        var prefix: [Symbol]
        /// Nil when nothing may follow the prefix.
        var rest: Symbol?
        var minimum = 0
        var maximum = Int.max
    }

    let arena: RegexArena
    private(set) var rules: [Rule] = []
    private(set) var objects: [Object] = []
    private(set) var arrays: [Array] = []
    private var memberRules: [[Int]: Symbol] = [:]
    private var elementRules: [[Int]: Symbol] = [:]
    let comma: RegexArena.ID
    let openBrace, closeBrace, openBracket, closeBracket: RegexArena.ID
    let colon: RegexArena.ID
    var root: Symbol = 0
    /// Kept alive for the states that point into them.
    var sources: [SourceText] = []

    init(arena: RegexArena, spacing: ConstraintCompiler.Spacing) {
        self.arena = arena
        let blank: RegexArena.ID
        switch spacing {
        case .compact, .spaced: blank = RegexArena.empty
        case .flexible: blank = arena.repeated(arena.bytes(ByteSet([0x20, 0x09, 0x0A, 0x0D])), 0, 40)
        }
        func mark(_ text: String, before: Bool = true, after: Bool = true) -> RegexArena.ID {
            arena.concat([
                before ? blank : RegexArena.empty, arena.literal(Swift.Array(text.utf8)),
                after ? blank : RegexArena.empty,
            ])
        }
        comma = mark(spacing == .spaced ? ", " : ",")
        colon = mark(spacing == .spaced ? ": " : ":")
        openBrace = mark("{", before: false)
        openBracket = mark("[", before: false)
        closeBrace = mark("}", after: false)
        closeBracket = mark("]", after: false)
    }

    func add(_ rule: Rule) -> Symbol {
        rules.append(rule)
        return ~Symbol(rules.count - 1)
    }

    func define(_ symbol: Symbol, _ rule: Rule) { rules[Int(~symbol)] = rule }

    func sequence(_ list: [Symbol]) -> Symbol { list.count == 1 ? list[0] : add(.sequence(list)) }

    func choice(_ list: [Symbol]) -> Symbol { list.count == 1 ? list[0] : add(.choice(list)) }

    func add(_ object: Object) -> Symbol {
        objects.append(object)
        return sequence([openBrace, members(objects.count - 1, 0, 0)])
    }

    func add(_ array: Array) -> Symbol {
        arrays.append(array)
        return sequence([openBracket, elements(arrays.count - 1, 0)])
    }

    private func members(_ object: Int, _ index: Int, _ count: Int) -> Symbol {
        // Beyond what is counted, all counts are one.
        let shape = objects[object]
        let counted = shape.maximum == .max ? min(count, max(1, shape.minimum)) : count
        let key = [object, index, counted]
        if let known = memberRules[key] { return known }
        let symbol = add(.members(object: object, index: index, count: counted))
        memberRules[key] = symbol
        return symbol
    }

    private func elements(_ array: Int, _ count: Int) -> Symbol {
        let shape = arrays[array]
        let counted =
            shape.maximum == .max ? min(count, max(1, shape.minimum, shape.prefix.count)) : count
        let key = [array, counted]
        if let known = elementRules[key] { return known }
        let symbol = add(.elements(array: array, count: counted))
        elementRules[key] = symbol
        return symbol
    }

    /// The alternatives of a rule, each a list of symbols.
    func unfold(_ rule: Int) -> [[Symbol]] {
        unfolded(rule).filter { !$0.contains { unproductive.contains($0) } }
    }

    private func unfolded(_ rule: Int) -> [[Symbol]] {
        switch rules[rule] {
        case .sequence(let list): return [list]
        case .choice(let list): return list.map { [$0] }
        case .open: preconditionFailure("a rule has no definition")
        case .members(let object, let index, let count): return unfoldMembers(object, index, count)
        case .elements(let array, let count):
            let shape = arrays[array]
            var result: [[Symbol]] = []
            if count >= shape.minimum { result.append([closeBracket]) }
            if count < shape.maximum,
                let value = count < shape.prefix.count ? shape.prefix[count] : shape.rest
            {
                result.append((count > 0 ? [comma] : []) + [value, elements(array, count + 1)])
            }
            return result
        }
    }

    private func unfoldMembers(_ object: Int, _ index: Int, _ count: Int) -> [[Symbol]] {
        let shape = objects[object]
        let separator = count > 0 ? [comma] : []
        var result: [[Symbol]] = []
        let isFull = count >= shape.maximum
        var at = index
        while at < shape.properties.count {
            let property = shape.properties[at]
            if !isFull {
                result.append(separator + [property.key, property.value, members(object, at + 1, count + 1)])
            }
            if property.isRequired { return result }
            at += 1
        }
        if !isFull {
            for other in shape.others {
                result.append(
                    separator + [other.key, other.value, members(object, shape.properties.count, count + 1)])
            }
        }
        if count >= shape.minimum { result.append([closeBrace]) }
        return result
    }

    // MARK: Emptiness

    /// Symbols that no finite text fits; alternatives with them are left out.
    private var unproductive: Set<Symbol> = []

    /// Finds what can never be finished, such as an object that requires itself.
    ///
    /// - Returns: Whether the root can.
    func prune() -> Bool {
        var isProductive = [Bool](repeating: false, count: rules.count)
        func holds(_ symbol: Symbol) -> Bool {
            symbol >= 0 ? arena.isLive(symbol) : isProductive[Int(~symbol)]
        }
        var changed = true
        while changed {
            changed = false
            for index in rules.indices where !isProductive[index] {
                let result: Bool
                switch rules[index] {
                case .open: result = false
                case .sequence(let list): result = list.allSatisfy(holds)
                case .choice(let list): result = list.contains(where: holds)
                case .members(let object, _, _):
                    let shape = objects[object]
                    let usable = shape.properties.count { holds($0.value) }
                    result =
                        shape.properties.allSatisfy { !$0.isRequired || holds($0.value) }
                        && (usable >= shape.minimum || shape.others.contains { holds($0.value) })
                case .elements(let array, _):
                    let shape = arrays[array]
                    result = (0..<min(shape.minimum, shape.prefix.count + 1)).allSatisfy { place in
                        let value = place < shape.prefix.count ? shape.prefix[place] : shape.rest
                        return value.map(holds) ?? false
                    }
                }
                if result {
                    isProductive[index] = true
                    changed = true
                }
            }
        }
        for index in rules.indices where !isProductive[index] { unproductive.insert(~Symbol(index)) }
        return holds(root)
    }
}
