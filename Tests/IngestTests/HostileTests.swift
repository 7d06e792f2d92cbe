import Documents
import Foundation
import Ingest
import Testing

/// Inputs that are made to hurt: each ends with its typed status, soon.
@Suite(.serialized) struct HostileTests {
    private func ends(
        _ bytes: [UInt8], _ statuses: Set<ItemStatus>, within seconds: Double = 2, _ name: String
    ) -> [ReadDocument] {
        var options = IngestOptions()
        options.opensAttachments = true
        let start = ContinuousClock.now
        let found = read(bytes, address: name, options: options)
        let taken = ContinuousClock.now - start
        #expect(taken < .seconds(seconds * 3), "\(name) took \(taken)")  // a busy machine is given some air
        #expect(
            !found.isEmpty && Set(found.map(\.status)).isSubset(of: statuses),
            "\(name): \(found.map(\.status))")
        return found
    }

    @Test("entities: billion laughs, quadratic blow-up, one inside itself, from outside")
    func entities() throws {
        var laughs = "<!DOCTYPE l [<!ENTITY a0 \"ha\">"
        for level in 1...30 { laughs += "<!ENTITY a\(level) \"&a\(level - 1);&a\(level - 1);\">" }
        _ = ends(Array((laughs + "]><l>&a30;</l>").utf8), [.partial(.limitRatio)], "laughs")
        let long = String(repeating: "x", count: 50_000)
        let blowup =
            "<!DOCTYPE l [<!ENTITY a \"\(long)\">]><l>" + String(repeating: "&a;", count: 50_000) + "</l>"
        _ = ends(Array(blowup.utf8), [.partial(.limitRatio)], "quadratic")
        let itself = "<!DOCTYPE l [<!ENTITY a \"&b;\"><!ENTITY b \"&a;\">]><l>&a;</l>"
        _ = ends(Array(itself.utf8), [.partial(.damaged)], "itself")

        let marker = FileManager.default.temporaryDirectory.appendingPathComponent(
            "lector-\(UUID().uuidString)")
        try "the marker".write(to: marker, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: marker) }
        for external in [
            "<!DOCTYPE l [<!ENTITY a SYSTEM \"file://\(marker.path)\">]><l>before &a; after</l>",
            "<!DOCTYPE l SYSTEM \"file://\(marker.path)\"><l>before &a; after</l>",
            "<!DOCTYPE l [<!ENTITY % a SYSTEM \"file://\(marker.path)\"> %a;]><l>before after</l>",
            "<l xmlns:xi=\"http://www.w3.org/2001/XInclude\">before <xi:include href=\"file://\(marker.path)\" parse=\"text\"/> after</l>",
        ] {
            let found = ends(Array(external.utf8), [.ok, .partial(.damaged)], "external")
            #expect(!found[0].text.contains("marker") && found[0].text.contains("before"))
        }
    }

    @Test("nothing is fetched: a listener hears nobody")
    func network() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 5) == 0
                    && getsockname(listener, $0, &length) == 0
            }
        }
        try #require(isBound)
        let place = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))/x"
        for text in [
            "<!DOCTYPE l SYSTEM \"\(place)\"><l>a</l>",
            "<!DOCTYPE l [<!ENTITY a SYSTEM \"\(place)\">]><l>&a;</l>",
            "<!DOCTYPE l [<!ENTITY % a SYSTEM \"\(place)\"> %a;]><l>a</l>",
            "<html><head><link rel=stylesheet href=\"\(place)\"><script src=\"\(place)\"></script></head><body><img src=\"\(place)\"><iframe src=\"\(place)\"></iframe></body></html>",
            "From: a@b.example\nContent-Type: message/external-body; access-type=URL; URL=\"\(place)\"\n\nSubject: x\n\n",
        ] { #expect(!read(text).isEmpty) }
        var waiting = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
        #expect(poll(&waiting, 1, 300) == 0)
    }

    @Test("mail: parts 1,000 deep, 100,000 header fields, a line of 50 MB")
    func mail() {
        var deep = "From: a@b.example\nSubject: s\n"
        for level in 0..<1000 { deep += "Content-Type: multipart/mixed; boundary=b\(level)\n\n--b\(level)\n" }
        _ = ends(Array((deep + "\nx\n").utf8), [.partial(.limitDepth), .ok], "deep")
        var messages = ""
        for _ in 0..<1000 { messages += "From: a@b.example\nSubject: s\nContent-Type: message/rfc822\n\n" }
        _ = ends(Array((messages + "\nx\n").utf8), [.partial(.limitDepth), .ok], "messages")
        let headers = String(repeating: "X-Field: value\n", count: 100_000)
        _ = ends(Array(("From: a@b.example\nSubject: s\n" + headers + "\nx\n").utf8), [.ok], "headers")
        let line = [UInt8](repeating: 0x61, count: 50 << 20)
        _ = ends(Array("From: a@b.example\nSubject: s\n\n".utf8) + line, [.ok], "line")
    }

    @Test("tags with 200,000 attributes, 100,000 elements deep, in XML and HTML")
    func markup() {
        let attributes = (0..<200_000).map { "a\($0)=\"1\"" }.joined(separator: " ")
        _ = ends(Array("<?xml version=\"1.0\"?><l \(attributes)>x</l>".utf8), [.ok], "attributes")
        _ = ends(Array("<html><p \(attributes)>x</p></html>".utf8), [.ok], "html attributes")
        let nested = String(repeating: "<a>", count: 100_000)
        _ = ends(Array("<?xml version=\"1.0\"?>\(nested)".utf8), [.partial(.limitDepth)], "nested")
        _ = ends(Array("<html>\(nested.replacing("a", with: "div"))x".utf8), [.ok], "html nested")
    }

    @Test("office files whose content repeats beyond measure")
    func office() throws {
        // Made by Python's zipfile where there is one.
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "lector-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let python = Process()
        python.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        python.arguments = ["python3", Fixtures.path("make_hostile.py")]
        python.currentDirectoryURL = folder
        try python.run()
        python.waitUntilExit()
        try #require(python.terminationStatus == 0)
        for (name, statuses) in [
            ("attributes.docx", [.partial(.damaged)]), ("deep.docx", [.partial(.damaged)]),
            ("long.docx", [.failed(.limitRatio), .partial(.limitRatio), .partial(.limitBytes)]),
            ("strings.xlsx", [.partial(.limitRatio)]), ("invalid-utf8.docx", [.partial(.damaged)]),
        ] as [(String, Set<ItemStatus>)] {
            let bytes = [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
            _ = ends(bytes, statuses, within: 4, name)
        }
    }
}
