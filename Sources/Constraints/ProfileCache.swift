/// What each expression says about a vocabulary, computed once.
///
/// A profile does not depend on what follows the expression: the tokens that fit inside it, and
/// the places of the trie where it may end with more of a token to come. Most steps of most
/// texts are inside a string, whose profile is shared by all schemas of a compiler.
final class ProfileCache {
    struct Profile {
        enum Inside {
            case few([Int32])
            case many(TokenMask)
        }

        var inside: Inside
        /// Trie nodes with children, at which the expression may end.
        var exits: [Int32]
    }

    private let arena: RegexArena
    private let trie: TokenTrie
    private var profiles: [RegexArena.ID: Profile] = [:]
    private var masks = 0
    private var path: [RegexArena.ID]
    private var otherPath: [RegexArena.ID]
    /// Masks that are kept at most; 20 KiB each at 160,000 tokens.
    private static let keptMasks = 4000

    init(arena: RegexArena, trie: TokenTrie) {
        self.arena = arena
        self.trie = trie
        path = [RegexArena.ID](repeating: 0, count: trie.maximumDepth + 2)
        otherPath = path
    }

    func profile(of expression: RegexArena.ID) -> Profile {
        if let known = profiles[expression] { return known }
        let relaxed = arena.relaxed(expression)
        let result: Profile
        if relaxed != expression, relaxed != RegexArena.anything, !arena.isCounted(relaxed) {
            result = difference(expression, from: relaxed)
        } else if let counted = arena.countedString(expression) {
            result = countedProfile(counted)
        } else {
            result = walk(expression)
        }
        if case .many = result.inside {
            masks += 1
            if masks > Self.keptMasks {
                profiles.removeAll()
                masks = 1
            }
        }
        profiles[expression] = result
        return result
    }

    private func walk(_ expression: RegexArena.ID) -> Profile {
        var few: [Int32] = []
        var mask: TokenMask?
        var exits: [Int32] = []
        path[0] = expression
        let count = trie.bytes.count
        trie.bytes.withUnsafeBufferPointer { bytes in
            trie.ends.withUnsafeBufferPointer { ends in
                var node = 1
                while node < count {
                    let depth = Int(trie.depths[node])
                    let target = arena.row(path[depth - 1])[Int(bytes[node])]
                    if target == RegexArena.nothing {
                        node = Int(ends[node])
                        continue
                    }
                    path[depth] = target
                    if trie.tokens[node] >= 0 {
                        trie.forEachToken(at: node) { few.append($0) }
                        if few.count > 512 {
                            if mask == nil { mask = TokenMask(vocabularySize: trie.vocabularySize) }
                            for token in few { mask!.insert(token) }
                            few.removeAll(keepingCapacity: true)
                        }
                    }
                    if arena.nullable[Int(target)], Int(ends[node]) > node + 1 { exits.append(Int32(node)) }
                    node += 1
                }
            }
        }
        guard var mask else { return Profile(inside: .few(few), exits: exits) }
        for token in few { mask.insert(token) }
        return Profile(inside: .many(mask), exits: exits)
    }

    /// The profile of an expression that matches less than another one: their difference only is
    /// walked.
    private func difference(_ expression: RegexArena.ID, from relaxed: RegexArena.ID) -> Profile {
        let base = profile(of: relaxed)
        var mask: TokenMask
        switch base.inside {
        case .many(let known): mask = known
        case .few: return walk(expression)
        }
        var lost: Set<Int32> = []
        path[0] = expression
        otherPath[0] = relaxed
        var node = 1
        while node < trie.bytes.count {
            let depth = Int(trie.depths[node])
            let other = arena.next(otherPath[depth - 1], trie.bytes[node])
            if other == RegexArena.nothing {
                node = Int(trie.ends[node])
                continue
            }
            let target = arena.next(path[depth - 1], trie.bytes[node])
            if target == other {
                node = Int(trie.ends[node])
                continue
            }
            if target == RegexArena.nothing {
                for below in node..<Int(trie.ends[node]) {
                    trie.forEachToken(at: below) { mask.remove($0) }
                    lost.insert(Int32(below))
                }
                node = Int(trie.ends[node])
                continue
            }
            if arena.nullable[Int(other)], !arena.nullable[Int(target)] { lost.insert(Int32(node)) }
            path[depth] = target
            otherPath[depth] = other
            node += 1
        }
        return Profile(inside: .many(mask), exits: base.exits.filter { !lost.contains($0) })
    }

    // MARK: Strings with a length

    /// The free string, token by token: how many characters each has, and where it ends.
    private struct StringTokens {
        /// Tokens inside a string, by the characters that they finish or begin, ascending.
        var tokens: [(count: Int32, token: Int32)]
        /// Exits by the characters before the closing quote.
        var exits: [(count: Int32, node: Int32)]
        var masks: [Int: TokenMask] = [:]
        var largest: Int { Int(tokens.last?.count ?? 0) }
    }

    private var strings: [RegexArena.ID: StringTokens] = [:]

    private func countedProfile(_ counted: RegexArena.Counted) -> Profile {
        if strings[counted.tail] == nil { strings[counted.tail] = countStrings(counted) }
        let limit = min(counted.maximum, strings[counted.tail]!.largest)
        if strings[counted.tail]!.masks[limit] == nil {
            var mask = TokenMask(vocabularySize: trie.vocabularySize)
            for entry in strings[counted.tail]!.tokens {
                if entry.count > limit { break }
                mask.insert(entry.token)
            }
            strings[counted.tail]!.masks[limit] = mask
        }
        var mask = strings[counted.tail]!.masks[limit]!
        var exits: [Int32] = []
        for entry in strings[counted.tail]!.exits where entry.count <= counted.maximum {
            if entry.count >= counted.minimum { exits.append(entry.node) }
        }
        // Tokens that close the string are counted by it as well.
        for entry in closing[counted.tail]!
        where entry.count >= counted.minimum && entry.count <= counted.maximum {
            mask.insert(entry.node)
        }
        return Profile(inside: .many(mask), exits: exits)
    }

    /// Tokens that end inside or at the end of what follows the characters, with their characters.
    private var closing: [RegexArena.ID: [(count: Int32, node: Int32)]] = [:]

    private func countStrings(_ counted: RegexArena.Counted) -> StringTokens {
        let free = arena.concat(arena.repeated(counted.character, 0), counted.tail)
        var result = StringTokens(tokens: [], exits: [])
        var closed: [(count: Int32, node: Int32)] = []
        var counts = [Int32](repeating: 0, count: trie.maximumDepth + 2)
        /// Whether the characters are over.
        var isBehind = [Bool](repeating: false, count: trie.maximumDepth + 2)
        var states = [RegexArena.ID](repeating: free, count: trie.maximumDepth + 2)
        var node = 1
        while node < trie.bytes.count {
            let depth = Int(trie.depths[node])
            let before = states[depth - 1]
            let target = arena.next(before, trie.bytes[node])
            if target == RegexArena.nothing {
                node = Int(trie.ends[node])
                continue
            }
            // A character counts from its first byte on.
            let isAtStart = before == free
            let leaves =
                isBehind[depth - 1] || (isAtStart && arena.next(counted.tail, trie.bytes[node]) == target)
            counts[depth] = counts[depth - 1] + (isAtStart && !leaves ? 1 : 0)
            isBehind[depth] = leaves
            states[depth] = target
            trie.forEachToken(at: node) {
                if leaves {
                    closed.append((counts[depth], $0))
                } else {
                    result.tokens.append((counts[depth], $0))
                }
            }
            if leaves, arena.nullable[Int(target)], Int(trie.ends[node]) > node + 1 {
                result.exits.append((counts[depth], Int32(node)))
            }
            node += 1
        }
        result.tokens.sort { ($0.count, $0.token) < ($1.count, $1.token) }
        closing[counted.tail] = closed
        return result
    }
}

extension RegexArena {
    /// Characters of a JSON string, counted, and what stands behind them.
    struct Counted {
        var character: ID
        var minimum: Int
        var maximum: Int
        var tail: ID
    }

    /// The parts of an expression that is a number of characters of a JSON string and its tail.
    func countedString(_ id: ID) -> Counted? {
        guard case .concat(let head, let tail) = nodes[Int(id)],
            case .repeated(let character, let minimum, let maximum) = nodes[Int(head)],
            minimum > 0 || maximum != .max, character == jsonCharacter, tail != Self.empty
        else { return nil }
        return Counted(character: character, minimum: minimum, maximum: maximum, tail: tail)
    }

    func isCounted(_ id: ID) -> Bool { countedString(id) != nil }
}
