import CXML2
import Glibc

/// What a reader of XML in memory is told.
protocol XMLEventHandler: AnyObject {
    /// - Parameter name: The local name, without a prefix.
    func start(_ name: String, _ attributes: XMLAttributes)
    func end(_ name: String)
    func text(_ utf8: UnsafeRawBufferPointer)
}

extension XMLEventHandler {
    func end(_ name: String) {}
    func text(_ utf8: UnsafeRawBufferPointer) {}
}

/// The attributes of one element; valid while its `start` runs.
struct XMLAttributes {
    fileprivate let base: UnsafeMutablePointer<UnsafePointer<xmlChar>?>?
    fileprivate let count: Int

    /// The first attribute of that local name, whatever its prefix.
    subscript(_ name: String) -> String? {
        value { index in strcmp(Self.characters(base![index]), name) == 0 }
    }

    /// An attribute in a namespace: OOXML's `r:id` beside a plain `id`.
    subscript(_ name: String, namespaceSuffix suffix: String) -> String? {
        value { index in
            guard strcmp(Self.characters(base![index]), name) == 0, let uri = base![index + 2] else {
                return false
            }
            return String(cString: uri).hasSuffix(suffix)
        }
    }

    private func value(where isWanted: (Int) -> Bool) -> String? {
        guard let base else { return nil }
        for index in stride(from: 0, to: count * 5, by: 5) where isWanted(index) {
            guard let start = base[index + 3], let end = base[index + 4] else { return nil }
            return String(decoding: UnsafeBufferPointer(start: start, count: end - start), as: UTF8.self)
        }
        return nil
    }

    private static func characters(_ text: UnsafePointer<xmlChar>?) -> UnsafePointer<CChar> {
        UnsafeRawPointer(text!).assumingMemoryBound(to: CChar.self)
    }
}

/// XML held in memory to events, by libxml2's SAX parser: for the parts of packages, whose
/// attributes say what text is.
///
/// No entity is expanded but the five of XML, nothing is loaded. What is not well-formed
/// gives what can be recovered.
final class XMLEvents {
    /// Elements inside elements; deeper ones end the parsing.
    private static let maxDepth = 1_000
    /// libxml2 2.9.14 needs quadratic time for the attributes of one tag.
    private static let maxAttributes = 500

    private let handler: XMLEventHandler
    private var parser: xmlParserCtxtPtr?
    /// libxml2 keeps one copy of each name for a parser.
    private var names: [UnsafePointer<xmlChar>: String] = [:]
    private var depth = 0
    private var damage: String?

    private init(_ handler: XMLEventHandler) { self.handler = handler }

    /// - Returns: What is not well-formed, if anything is.
    @discardableResult
    static func parse(_ bytes: [UInt8], _ handler: XMLEventHandler) -> String? {
        MarkupLibrary.prepare()
        let events = XMLEvents(handler)
        events.parse(bytes)
        return events.damage
    }

    private static func from(_ context: UnsafeMutableRawPointer?) -> XMLEvents {
        Unmanaged<XMLEvents>.fromOpaque(context!).takeUnretainedValue()
    }

    private func parse(_ bytes: [UInt8]) {
        var sax = xmlSAXHandler()
        sax.initialized = UInt32(XML_SAX2_MAGIC)
        sax.startElementNs = { context, name, _, _, _, _, count, _, attributes in
            XMLEvents.from(context).start(name, XMLAttributes(base: attributes, count: Int(count)))
        }
        sax.endElementNs = { context, name, _, _ in XMLEvents.from(context).end(name) }
        sax.characters = { context, text, count in XMLEvents.from(context).text(text, count) }
        sax.cdataBlock = { context, text, count in XMLEvents.from(context).text(text, count) }
        sax.ignorableWhitespace = { context, text, count in XMLEvents.from(context).text(text, count) }
        sax.serror = { context, error in XMLEvents.from(context).note(error) }
        parser = xmlCreatePushParserCtxt(&sax, Unmanaged.passUnretained(self).toOpaque(), nil, 0, nil)
        guard let parser else { return }
        let flags =
            XML_PARSE_NONET.rawValue | XML_PARSE_RECOVER.rawValue | XML_PARSE_NOERROR.rawValue
            | XML_PARSE_NOWARNING.rawValue
        xmlCtxtUseOptions(parser, Int32(flags))
        bytes.withUnsafeBytes { all in
            let sound = Self.soundCount(all)
            if sound < all.count { damage = "a tag with more than \(Self.maxAttributes) attributes" }
            var position = 0
            while position < sound, depth <= Self.maxDepth {
                let count = min(32 << 10, sound - position)
                let piece = all.baseAddress! + position
                xmlParseChunk(parser, piece.assumingMemoryBound(to: CChar.self), Int32(count), 0)
                position += count
            }
            xmlParseChunk(parser, nil, 0, 1)
        }
        if let document = parser.pointee.myDoc { xmlFreeDoc(document) }
        parser.pointee.myDoc = nil
        xmlFreeParserCtxt(parser)
    }

    /// Bytes before the first tag with too many attributes. Wide charsets, which no package
    /// has in earnest, hide their tags from this and count as one attribute.
    private static func soundCount(_ bytes: UnsafeRawBufferPointer) -> Int {
        var position = 0
        while let open = bytes.firstOffset(of: 0x3C, from: position) {
            var attributes = 0
            var index = open + 1
            while index < bytes.count, bytes[index] != 0x3E {
                let byte = bytes[index]
                if byte == 0x22 || byte == 0x27 {
                    guard let close = bytes.firstOffset(of: byte, from: index + 1) else { return bytes.count }
                    attributes += 1
                    if attributes > maxAttributes { return open }
                    index = close
                } else if byte == 0x3C {
                    break
                }
                index += 1
            }
            position = max(index, open + 1)
        }
        return bytes.count
    }

    private func name(_ raw: UnsafePointer<xmlChar>) -> String {
        if let known = names[raw] { return known }
        let name = String(cString: raw)
        if names.count < 10_000 { names[raw] = name }
        return name
    }

    private func start(_ raw: UnsafePointer<xmlChar>?, _ attributes: XMLAttributes) {
        guard let raw else { return }
        depth += 1
        if depth > Self.maxDepth {
            damage = "elements are nested deeper than \(Self.maxDepth)"
            xmlStopParser(parser)
            return
        }
        handler.start(name(raw), attributes)
    }

    private func end(_ raw: UnsafePointer<xmlChar>?) {
        guard let raw else { return }
        depth -= 1
        handler.end(name(raw))
    }

    private func text(_ raw: UnsafePointer<xmlChar>?, _ count: Int32) {
        guard let raw, count > 0 else { return }
        UTF8Text.withRepaired(UnsafeRawBufferPointer(start: raw, count: Int(count)), handler.text)
    }

    private func note(_ error: UnsafePointer<xmlError>?) {
        guard let error = error?.pointee, error.level == XML_ERR_FATAL, damage == nil else { return }
        var message = error.message.map { String(cString: $0) } ?? "not well-formed"
        while message.last == "\n" { message.removeLast() }
        damage = "line \(error.line): \(message)"
    }
}
