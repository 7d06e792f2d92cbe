import CXML2

/// libxml2, set up once: no entity is ever loaded from anywhere, errors go nowhere.
enum MarkupLibrary {
    private static let isPrepared: Void = {
        xmlInitParser()
        xmlSetExternalEntityLoader { _, _, _ in nil }
    }()

    /// Once for each parser: libxml2 keeps the sink of errors that no parser owns (an entity
    /// declared twice) per thread, and prints them to stderr without one.
    static func prepare() {
        isPrepared
        xmlSetStructuredErrorFunc(nil) { _, _ in }
    }
}
