import Documents

/// EPUB: each chapter of the spine a part, read as HTML.
enum BookReader {
    /// - Returns: Whether the package names its contents.
    static func read(_ parts: PackageParts, _ text: PackageText, _ context: StreamContext) -> Bool {
        final class Container: XMLEventHandler {
            var path: String?
            func start(_ name: String, _ attributes: XMLAttributes) {
                if name == "rootfile", path == nil { path = attributes["full-path"] }
            }
        }
        let container = Container()
        text.parse(parts["META-INF/container.xml"] ?? [], container, name: "META-INF/container.xml")
        guard let path = container.path, let bytes = parts[path] else { return false }
        let book = Contents()
        text.parse(bytes, book, name: path)
        text.readCoreProperties(bytes)
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
        var missing: [String] = []
        for id in book.spine {
            guard let item = book.items[id] else { continue }
            let name = PackageParts.resolve(unescaped(item), in: folder)
            guard let chapter = parts[name] else {
                missing.append(name)
                continue
            }
            text.beginPart()
            let decoded = chapter.withUnsafeBytes {
                TextDecoder.decode($0, declared: HTMLText.declaredCharset($0))
            }
            let html = HTMLText(text.writer, options: context.options)
            withClosedElements(decoded).withUnsafeBytes { html.append($0) }
            html.finish()
        }
        if !missing.isEmpty {
            text.damage =
                text.damage ?? "chapters that are named are missing: \(missing.joined(separator: ", "))"
        }
        return true
    }

    private final class Contents: XMLEventHandler {
        var items: [String: String] = [:]
        var spine: [String] = []

        func start(_ name: String, _ attributes: XMLAttributes) {
            if name == "item", let id = attributes["id"], let path = attributes["href"] {
                items[id] = path
            } else if name == "itemref", let id = attributes["idref"] {
                spine.append(id)
            }
        }
    }

    /// `%20` in a name is a space.
    private static func unescaped(_ name: String) -> String {
        let bytes = Array(name.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == 0x25, index + 2 < bytes.count, let high = Hex.value(bytes[index + 1]),
                let low = Hex.value(bytes[index + 2])
            {
                result.append(high << 4 | low)
                index += 3
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static let void: Set<String> = [
        "br", "img", "hr", "meta", "link", "input", "col", "area", "base", "wbr", "embed", "image",
    ]

    /// `<title/>` is closed in XML and open in HTML: each such element gets its end.
    static func withClosedElements(_ bytes: [UInt8]) -> [UInt8] {
        bytes.withUnsafeBytes { bytes in
            var result: [UInt8] = []
            result.reserveCapacity(bytes.count)
            var position = 0
            while let close = bytes.firstOffset(of: "/>", from: position) {
                var open = close
                while open > position, bytes[open] != 0x3C, close - open < 4096 { open -= 1 }
                var end = open + 1
                while end < close, !isSpace(bytes[end]) { end += 1 }
                let name = String(decoding: bytes[min(open + 1, end)..<end], as: UTF8.self)
                result.append(contentsOf: bytes.slice(position..<close))
                let isName = !name.isEmpty && name.utf8.allSatisfy { $0 > 0x2F && $0 < 0x7F }
                if bytes[open] == 0x3C, isName, !void.contains(name.asciiLowercased) {
                    result += "></\(name)>".utf8
                } else {
                    result += [0x2F, 0x3E]
                }
                position = close + 2
            }
            result.append(contentsOf: bytes.slice(position..<bytes.count))
            return result
        }
    }
}
