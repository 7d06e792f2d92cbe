import CXML2

/// libxml2, set up once: no entity is ever loaded from anywhere, errors go nowhere.
enum MarkupLibrary {
    private static let isPrepared: Void = {
        xmlInitParser()
        xmlSetExternalEntityLoader { _, _, _ in nil }
        xmlSetGenericErrorFunc(nil, nil)
    }()

    static func prepare() { isPrepared }
}
