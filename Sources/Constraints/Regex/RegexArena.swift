/// Regular expressions over bytes, with intersection and complement, matched by derivatives.
///
/// Every expression is interned, so that equal expressions have one id and an expression is a
/// state of a lazily built automaton. Ids are stable for the arena's life.
///
/// Source: Brzozowski, Derivatives of Regular Expressions, J. ACM 11 (1964); Owens, Reppy and
/// Turon, Regular-expression derivatives re-examined, JFP 19 (2009), for classes of bytes.
final class RegexArena {
    typealias ID = Int32

    indirect enum Node: Hashable {
        case nothing
        case empty
        case bytes(ByteSet)
        case concat(ID, ID)
        case either([ID])
        case both([ID])
        case not(ID)
        /// `maximum` is `Int.max` for no limit.
        case repeated(ID, minimum: Int, maximum: Int)
        case number(NumberTest)
        /// A place in `sources`.
        case source(Int)
    }

    /// Matches no text.
    static let nothing: ID = 0
    /// Matches the empty text only.
    static let empty: ID = 1
    /// Matches every text.
    static let anything: ID = 2

    private(set) var nodes: [Node] = []
    private var ids: [Node: ID] = [:]
    private(set) var nullable: [Bool] = []
    /// Whether an expression may match nothing without being `nothing`.
    private var isDoubtful: [Bool] = []
    private var liveness: [Int8] = []  // -1 not known yet
    private var rows: [UnsafeMutablePointer<ID>?] = []
    private var sources: [SourceState] = []
    private var sourceIndex: [ObjectIdentifier: Int] = [:]

    init() {
        precondition(intern(.nothing) == Self.nothing && intern(.empty) == Self.empty)
        precondition(intern(.not(Self.nothing)) == Self.anything)
    }

    /// Any character of a JSON string.
    private(set) lazy var jsonCharacter = character(of: .all, .json)

    deinit { for row in rows { row?.deallocate() } }

    var count: Int { nodes.count }

    private func intern(_ node: Node) -> ID {
        if let id = ids[node] { return id }
        let id = ID(nodes.count)
        ids[node] = id
        nodes.append(node)
        rows.append(nil)
        liveness.append(-1)
        let (isNullable, doubtful): (Bool, Bool)
        switch node {
        case .nothing: (isNullable, doubtful) = (false, false)
        case .empty: (isNullable, doubtful) = (true, false)
        case .bytes: (isNullable, doubtful) = (false, false)
        case .concat(let a, let b):
            (isNullable, doubtful) = (
                nullable[Int(a)] && nullable[Int(b)], isDoubtful[Int(a)] || isDoubtful[Int(b)]
            )
        case .either(let list):
            (isNullable, doubtful) = (
                list.contains { nullable[Int($0)] }, list.contains { isDoubtful[Int($0)] }
            )
        case .both(let list): (isNullable, doubtful) = (list.allSatisfy { nullable[Int($0)] }, true)
        case .not(let a): (isNullable, doubtful) = (!nullable[Int(a)], a != Self.nothing)
        case .repeated(let a, let minimum, _):
            (isNullable, doubtful) = (minimum == 0 || nullable[Int(a)], isDoubtful[Int(a)])
        case .number(let test): (isNullable, doubtful) = (test.isAccepting, true)
        case .source(let state): (isNullable, doubtful) = (sources[state].canEnd, false)
        }
        nullable.append(isNullable)
        isDoubtful.append(doubtful)
        return id
    }

    // MARK: Building

    func bytes(_ set: ByteSet) -> ID { set.isEmpty ? Self.nothing : intern(.bytes(set)) }

    func literal(_ text: some Collection<UInt8>) -> ID { literal(text, then: Self.empty) }

    func literal(_ text: some Collection<UInt8>, then rest: ID) -> ID {
        var result = rest
        for byte in Array(text).reversed() { result = concat(bytes(ByteSet([byte])), result) }
        return result
    }

    func concat(_ a: ID, _ b: ID) -> ID {
        if a == Self.nothing || b == Self.nothing { return Self.nothing }
        if a == Self.empty { return b }
        if b == Self.empty { return a }
        if case .concat(let head, let tail) = nodes[Int(a)] { return concat(head, concat(tail, b)) }
        return intern(.concat(a, b))
    }

    func concat(_ list: [ID]) -> ID { list.reversed().reduce(Self.empty) { concat($1, $0) } }

    func either(_ a: ID, _ b: ID) -> ID { either([a, b]) }

    func either(_ list: [ID]) -> ID {
        var parts: Set<ID> = []
        var set = ByteSet()
        func add(_ id: ID) {
            switch nodes[Int(id)] {
            case .nothing: break
            case .either(let inner): inner.forEach(add)
            case .bytes(let more): set = set.union(more)
            default: parts.insert(id)
            }
        }
        list.forEach(add)
        if !set.isEmpty { parts.insert(intern(.bytes(set))) }
        if parts.contains(Self.anything) { return Self.anything }
        if parts.count > 1, parts.contains(Self.empty),
            parts.contains(where: { $0 != Self.empty && nullable[Int($0)] })
        {
            parts.remove(Self.empty)
        }
        if parts.isEmpty { return Self.nothing }
        if parts.count == 1 { return parts.first! }
        return intern(.either(parts.sorted()))
    }

    func both(_ list: [ID]) -> ID {
        var parts: Set<ID> = []
        func add(_ id: ID) {
            if case .both(let inner) = nodes[Int(id)] { inner.forEach(add) } else { parts.insert(id) }
        }
        list.forEach(add)
        parts.remove(Self.anything)
        if parts.contains(Self.nothing) { return Self.nothing }
        if parts.contains(Self.empty) {
            return parts.allSatisfy { nullable[Int($0)] } ? Self.empty : Self.nothing
        }
        if parts.isEmpty { return Self.anything }
        if parts.count == 1 { return parts.first! }
        return intern(.both(parts.sorted()))
    }

    func not(_ a: ID) -> ID {
        if a == Self.nothing { return Self.anything }
        if a == Self.anything { return Self.nothing }
        if case .not(let inner) = nodes[Int(a)] { return inner }
        return intern(.not(a))
    }

    func repeated(_ a: ID, _ minimum: Int, _ maximum: Int = .max) -> ID {
        if minimum > maximum { return Self.nothing }
        if maximum == 0 || a == Self.empty { return Self.empty }
        if a == Self.nothing { return minimum == 0 ? Self.empty : Self.nothing }
        if minimum == 1, maximum == 1 { return a }
        return intern(.repeated(a, minimum: minimum, maximum: maximum))
    }

    func optional(_ a: ID) -> ID { either(Self.empty, a) }

    func number(_ test: NumberTest) -> ID { intern(.number(test)) }

    /// The state of a source as an expression: what may follow so that the whole stays a
    /// substring.
    func source(_ state: SourceState) -> ID {
        guard !state.isDead else { return Self.nothing }
        if let index = sourceIndex[ObjectIdentifier(state)] { return intern(.source(index)) }
        sourceIndex[ObjectIdentifier(state)] = sources.count
        sources.append(state)
        return intern(.source(sources.count - 1))
    }

    // MARK: Derivatives

    /// What may follow `byte`, or `nothing`.
    func next(_ id: ID, _ byte: UInt8) -> ID { row(id)[Int(byte)] }

    /// The successors of an expression by byte; successors that match nothing are `nothing`.
    func row(_ id: ID) -> UnsafeMutablePointer<ID> {
        if let row = rows[Int(id)] { return row }
        let row = UnsafeMutablePointer<ID>.allocate(capacity: 256)
        let (classOf, representatives) = classes(id)
        let targets = representatives.map { byte -> ID in
            let target = derivative(id, byte)
            return isLive(target) ? target : Self.nothing
        }
        for byte in 0..<256 { row[byte] = targets[Int(classOf[byte])] }
        rows[Int(id)] = row
        return row
    }

    private func derivative(_ id: ID, _ byte: UInt8) -> ID {
        steps += 1
        switch nodes[Int(id)] {
        case .nothing, .empty: return Self.nothing
        case .bytes(let set): return set.contains(byte) ? Self.empty : Self.nothing
        case .concat(let a, let b):
            let first = concat(derivative(a, byte), b)
            return nullable[Int(a)] ? either(first, derivative(b, byte)) : first
        case .either(let list): return either(list.map { derivative($0, byte) })
        case .both(let list):
            var parts: [ID] = []
            for part in list {
                let target = derivative(part, byte)
                if target == Self.nothing { return Self.nothing }
                parts.append(target)
            }
            return both(parts)
        case .not(let a): return not(derivative(a, byte))
        case .repeated(let a, let minimum, let maximum):
            let target = derivative(a, byte)
            if target == Self.nothing { return Self.nothing }
            let left = nullable[Int(a)] ? 0 : max(0, minimum - 1)
            return concat(target, repeated(a, left, maximum == .max ? .max : maximum - 1))
        case .number(let test): return test.next(byte).map { number($0) } ?? Self.nothing
        case .source(let state): return source(sources[state].next(byte))
        }
    }

    /// Bytes that no part of an expression tells apart, and one byte of each class.
    private func classes(_ id: ID) -> ([UInt16], [UInt8]) {
        var sets: Set<ByteSet> = []
        firstSets(id, &sets)
        var classOf = [UInt16](repeating: 0, count: 256)
        var count: UInt16 = 1
        for set in sets {
            var split = [Int32](repeating: -1, count: Int(count))
            var hasOutside = [Bool](repeating: false, count: Int(count))
            for byte in 0..<256 where !set.contains(UInt8(byte)) { hasOutside[Int(classOf[byte])] = true }
            for byte in 0..<256 where set.contains(UInt8(byte)) {
                let old = Int(classOf[byte])
                guard hasOutside[old] else { continue }
                if split[old] < 0 {
                    split[old] = Int32(count)
                    count += 1
                }
                classOf[byte] = UInt16(split[old])
            }
        }
        var representatives = [UInt8](repeating: 0, count: Int(count))
        for byte in (0..<256).reversed() { representatives[Int(classOf[byte])] = UInt8(byte) }
        return (classOf, representatives)
    }

    private func firstSets(_ id: ID, _ sets: inout Set<ByteSet>) {
        switch nodes[Int(id)] {
        case .nothing, .empty: break
        case .bytes(let set): sets.insert(set)
        case .concat(let a, let b):
            firstSets(a, &sets)
            if nullable[Int(a)] { firstSets(b, &sets) }
        case .either(let list), .both(let list): for part in list { firstSets(part, &sets) }
        case .not(let a), .repeated(let a, _, _): firstSets(a, &sets)
        case .number: for byte in NumberTest.alphabet { sets.insert(ByteSet([byte])) }
        case .source(let state): for byte in sources[state].nextBytes { sets.insert(ByteSet([byte])) }
        }
    }

    // MARK: Emptiness

    /// Derivatives that searches for a match may still take; set anew for every constraint.
    var searchBudget = RegexArena.searchSteps
    private var steps = 0
    static let searchSteps = 3_000_000

    /// Whether some text matches. An expression that is too large to tell counts as live.
    func isLive(_ id: ID) -> Bool {
        guard isDoubtful[Int(id)] else { return id != Self.nothing }
        if liveness[Int(id)] >= 0 { return liveness[Int(id)] == 1 }
        let live: Bool
        switch nodes[Int(id)] {
        case .concat(let a, let b): live = isLive(a) && isLive(b)
        case .either(let list): live = list.contains { isLive($0) }
        case .repeated(let a, let minimum, _): live = minimum == 0 || isLive(a)
        default: live = nullable[Int(id)] || isCompletedByNumber(id) || explore(id)
        }
        liveness[Int(id)] = live ? 1 : 0
        return live
    }

    /// Whether the digits that a multiple lacks are a match: states of a large divisor are too many to search.
    private func isCompletedByNumber(_ id: ID) -> Bool {
        guard case .both(let list) = nodes[Int(id)] else { return false }
        for part in list {
            guard case .number(let test) = nodes[Int(part)], let digits = test.completion else { continue }
            var state = id
            for digit in digits where state != Self.nothing { state = derivative(state, digit) }
            if nullable[Int(state)] { return true }
        }
        return false
    }

    /// Searches for a match, state by state.
    private func explore(_ start: ID) -> Bool {
        var seen: Set<ID> = [start]
        var open = [start]
        let first = steps
        let budget = searchBudget
        defer { searchBudget = budget - (steps - first) }
        while let id = open.popLast() {
            if seen.count > Self.exploredStates || steps - first > budget { return true }
            let (_, representatives) = classes(id)
            for byte in representatives.reversed() {
                let target = derivative(id, byte)
                guard target != Self.nothing, seen.insert(target).inserted else { continue }
                if nullable[Int(target)] || liveness[Int(target)] == 1 { return true }
                if liveness[Int(target)] == 0 { continue }
                if !isDoubtful[Int(target)] { return true }
                open.append(target)
            }
        }
        for id in seen { liveness[Int(id)] = 0 }
        return false
    }

    private static let exploredStates = 3000

    // MARK: Matching

    func matches(_ id: ID, _ text: some Sequence<UInt8>) -> Bool {
        var state = id
        for byte in text {
            state = next(state, byte)
            if state == Self.nothing { return false }
        }
        return nullable[Int(state)]
    }

    /// An expression that matches more and has fewer states: complements are left out of
    /// intersections.
    func relaxed(_ id: ID) -> ID {
        switch nodes[Int(id)] {
        case .concat(let a, let b): return concat(relaxed(a), b)
        case .both(let list):
            return both(list.filter { if case .not = nodes[Int($0)] { false } else { true } })
        default: return id
        }
    }
}
