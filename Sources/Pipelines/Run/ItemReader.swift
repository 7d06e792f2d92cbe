import Answers
import Documents
import Tokenization

/// Turns the events of one document into tokens, and notes what its row needs.
struct ItemReader {
    let index: Int
    var document: Document
    /// Tokens that nobody has taken yet.
    var tokens: [Int32] = []
    /// Bytes of decoded text so far.
    private(set) var textBytes = 0
    /// Whether the text so far is more than white space.
    private var saysSomething = false
    private var rendering: DocumentRendering
    private var encoder: StreamingEncoder
    private var language = LanguageCheck()
    private var rendered: [UInt8] = []

    init(index: Int, document: Document, tokenizer: Tokenizer, skipsQuoted: Bool) {
        self.index = index
        self.document = document
        rendering = DocumentRendering(skipsQuoted: skipsQuoted)
        encoder = StreamingEncoder(tokenizer)
        append(.begin(document))
    }

    mutating func append(_ event: DocumentEvent) {
        if case .text(let chunk) = event {
            textBytes += chunk.utf8.count
            if !saysSomething { saysSomething = chunk.utf8.contains { $0 > 0x20 } }
            language.append(chunk.utf8)
        }
        rendered.removeAll(keepingCapacity: true)
        rendering.append(event, to: &rendered)
        encoder.append(rendered, into: &tokens)
        if case .end = event { encoder.finish(into: &tokens) }
    }

    mutating func takeTokens() -> [Int32] {
        let taken = tokens
        tokens = []
        return taken
    }

    /// Whether there is nothing to sort: no text but white space, and no header that says something.
    var isEmpty: Bool {
        !saysSomething && ["subject", "from", "to"].allSatisfy { document.first($0) == nil }
            && document.attachments.isEmpty
    }

    var languageWarning: String? { language.warning }
}
