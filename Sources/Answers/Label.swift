/// One answer that a text can be sorted under.
public struct Label: Sendable, Hashable {
    public var name: String
    /// What the model is told of it besides its name.
    public var description: String?

    public init(name: String, description: String? = nil) {
        self.name = name
        self.description = description
    }
}

/// Labels fit to be asked for: two or more, or one that may apply or not, each with a name of its own.
public struct LabelList: Sendable, Hashable, RandomAccessCollection {
    /// Bytes of one name; a name is a few words.
    public static let maximumNameBytes = 200
    /// Bytes of one description; a description is a paragraph.
    public static let maximumDescriptionBytes = 4_000
    public static let maximumCount = 1_000

    /// What `classify` asks for when it is not told.
    public static let spamOrHam = LabelList(unchecked: [Label(name: "spam"), Label(name: "ham")])

    private let labels: [Label]

    private init(unchecked labels: [Label]) { self.labels = labels }

    /// Checks a list; white space in descriptions becomes single spaces.
    ///
    /// - Parameter least: How few there may be: a choice needs two, and what is asked for by itself
    ///   (``ClassificationPrompt/forEachLabel()``) one.
    /// - Throws: ``LabelError`` for fewer labels than `least` or more than ``maximumCount``, for an
    ///   empty name, one given twice, one with control characters, and for what is too long.
    public init(_ labels: [Label], least: Int = 2) throws(LabelError) {
        guard labels.count >= least else { throw .tooFew(found: labels.map(\.name)) }
        guard labels.count <= Self.maximumCount else { throw .tooMany(count: labels.count) }
        var checked: [Label] = []
        var seen: [String: Int] = [:]
        for (index, label) in labels.enumerated() {
            let key = label.name.words
            if key.isEmpty { throw .emptyName(position: index + 1) }
            if label.name.hasControls { throw .controlCharacter(position: index + 1, name: label.name) }
            guard label.name.utf8.count <= Self.maximumNameBytes else {
                throw .tooLong(
                    what: "name", position: index + 1, bytes: label.name.utf8.count,
                    limit: Self.maximumNameBytes)
            }
            if let first = seen.updateValue(index + 1, forKey: key) {
                throw .duplicate(name: key, first: first, second: index + 1)
            }
            var description = label.description?.words
            if description == "" { description = nil }
            if let description {
                if description.hasControls { throw .controlCharacter(position: index + 1, name: label.name) }
                guard description.utf8.count <= Self.maximumDescriptionBytes else {
                    throw .tooLong(
                        what: "description", position: index + 1, bytes: description.utf8.count,
                        limit: Self.maximumDescriptionBytes)
                }
            }
            checked.append(Label(name: label.name, description: description))
        }
        self.labels = checked
    }

    public var startIndex: Int { 0 }
    public var endIndex: Int { labels.count }
    public subscript(index: Int) -> Label { labels[index] }
    public var names: [String] { labels.map(\.name) }
}

/// Why a list of labels cannot be asked for.
public enum LabelError: Error, Equatable, CustomStringConvertible {
    case tooFew(found: [String])
    case tooMany(count: Int)
    case emptyName(position: Int)
    case duplicate(name: String, first: Int, second: Int)
    case controlCharacter(position: Int, name: String)
    case tooLong(what: String, position: Int, bytes: Int, limit: Int)
    /// Two names that this vocabulary cannot tell apart.
    case sameTokens(String, String)
    /// A label for no label, where each label is asked for by itself.
    case isNone(position: Int)

    /// One line fit for a terminal.
    public var description: String {
        switch self {
        case .tooFew(let found):
            "Found \(found.isEmpty ? "no label" : "only the label \(printable(found[0]))"); a choice needs two or "
                + "more. Add another, for example --labels spam,ham."
        case .tooMany(let count):
            "Found \(count) labels; expected at most \(LabelList.maximumCount). Sort in two steps, coarse labels first."
        case .emptyName(let position):
            "Label \(position) has an empty name; expected a word or a few. Remove the stray comma or name it."
        case .duplicate(let name, let first, let second):
            "Label \(printable(name)) stands twice, as number \(first) and \(second); expected each name once. "
                + "Remove one."
        case .controlCharacter(let position, let name):
            "Label \(position) (\(printable(name))) holds a control character; expected one line of plain text. "
                + "Retype it."
        case .tooLong(let what, let position, let bytes, let limit):
            "The \(what) of label \(position) has \(bytes) bytes; expected at most \(limit). Shorten it."
        case .sameTokens(let one, let other):
            "Labels \(printable(one)) and \(printable(other)) are the same tokens to this model; expected names that "
                + "it can tell apart. Rename one."
        case .isNone(let position):
            "Label \(position) is '\(ClassificationPrompt.noneOfThese)'; where several labels may apply, a text to which "
                + "none does has an empty list. Remove it."
        }
    }

    private func printable(_ name: String) -> String {
        "'" + String(name.unicodeScalars.map { Character($0.isControl ? "\u{FFFD}" : $0) }.prefix(60)) + "'"
    }
}

extension Unicode.Scalar {
    /// C0, C1, line and paragraph separators and what reorders text.
    fileprivate var isControl: Bool {
        switch properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        default: (0x202A...0x202E).contains(value) || (0x2066...0x2069).contains(value)
        }
    }

    /// White space as Python's `str.split` sees it, which training used.
    var isSpace: Bool { properties.isWhitespace || (0x1C...0x1F).contains(value) }
}

extension String {
    fileprivate var hasControls: Bool { unicodeScalars.contains(where: \.isControl) }

    /// The words of the string with one space between them.
    var words: String {
        unicodeScalars.split(whereSeparator: \.isSpace).map { String($0) }.joined(separator: " ")
    }
}
