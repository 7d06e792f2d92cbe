extension RegexArena {
    /// A JSON string, quotes included, that a pattern is found in.
    ///
    /// The quotes stand for the two ends, so that `^` and `$` may stand anywhere: a raw quote is
    /// never part of the content.
    func jsonString(finding pattern: RegexSyntax) -> ID {
        let quote = literal([0x22])
        if let simple = anchored(pattern) { return simple }
        let inner = lowered(pattern, .json, start: quote, end: quote)
        let content = concat([quote, repeated(character(of: .all, .json), 0), quote])
        // What stands before a match are whole escapes, or it would be found inside of one; where other characters
        // begin shows in their bytes. It ends with a character, so that behind it anything may stand.
        let any = bytes(ByteSet(0...255))
        let backslash = literal([0x5C])
        let unit = either([
            bytes(ByteSet((0...255).filter { $0 != 0x5C })),
            concat([backslash, bytes(ByteSet((0...255).filter { $0 != 0x75 }))]),
            concat([backslash, literal([0x75]), repeated(any, 4, 4)]),
        ])
        return both([content, concat([repeated(unit, 0), inner, Self.anything])])
    }

    /// Patterns with anchors at their ends only need no intersection.
    private func anchored(_ pattern: RegexSyntax) -> ID? {
        let quote = literal([0x22])
        let rest = repeated(character(of: .all, .json), 0)
        var parts: [ID] = []
        let alternatives: [RegexSyntax] = if case .choice(let list) = pattern { list } else { [pattern] }
        for alternative in alternatives {
            var list: [RegexSyntax] =
                if case .sequence(let list) = alternative { list } else { [alternative] }
            let isStart = list.first == .start
            if isStart { list.removeFirst() }
            let isEnd = list.last == .end
            if isEnd { list.removeLast() }
            if list.contains(where: \.hasAnchor) { return nil }
            // A match that may begin anywhere would need one state per beginning: intersect instead.
            if !isStart, !list.allSatisfy(\.isTrivial) { return nil }
            let body = concat(list.map { lowered($0, .json, start: Self.nothing, end: Self.nothing) })
            parts.append(
                concat([quote, isStart ? Self.empty : rest, body, isEnd ? Self.empty : rest, quote]))
        }
        return either(parts)
    }

    /// A pattern as a whole text, UTF-8.
    ///
    /// - Throws: `RegexSyntax.Failure` for an anchor that is not at an end.
    func whole(_ pattern: RegexSyntax, _ form: TextForm) throws(RegexSyntax.Failure) -> ID {
        let alternatives: [RegexSyntax] = if case .choice(let list) = pattern { list } else { [pattern] }
        var parts: [ID] = []
        for alternative in alternatives {
            var list: [RegexSyntax] =
                if case .sequence(let list) = alternative { list } else { [alternative] }
            if list.first == .start { list.removeFirst() }
            if list.last == .end { list.removeLast() }
            guard !list.contains(where: \.hasAnchor) else {
                throw .init(reason: "an anchor inside the pattern", isUnsupported: true)
            }
            parts.append(concat(list.map { lowered($0, form, start: Self.nothing, end: Self.nothing) }))
        }
        return either(parts)
    }

    private func lowered(_ syntax: RegexSyntax, _ form: TextForm, start: ID, end: ID) -> ID {
        switch syntax {
        case .empty: Self.empty
        case .set(let set): character(of: set, form)
        case .sequence(let list): concat(list.map { lowered($0, form, start: start, end: end) })
        case .choice(let list): either(list.map { lowered($0, form, start: start, end: end) })
        case .repeated(let inner, let low, let high):
            repeated(lowered(inner, form, start: start, end: end), low, high)
        case .start: start
        case .end: end
        }
    }
}

extension RegexSyntax {
    fileprivate var hasAnchor: Bool {
        switch self {
        case .start, .end: true
        case .sequence(let list), .choice(let list): list.contains(where: \.hasAnchor)
        case .repeated(let inner, _, _): inner.hasAnchor
        default: false
        }
    }

    /// Matches the empty text only.
    fileprivate var isTrivial: Bool { self == .empty }
}
