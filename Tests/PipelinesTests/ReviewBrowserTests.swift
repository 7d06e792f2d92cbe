import Digests
import Documents
import Evaluation
import Foundation
import Glibc
import JSON
import Pipelines
import Testing

/// The review page in a real browser without a screen; skipped where there is none (`LECTOR_BROWSER` names another).
@Suite(.serialized, .enabled(if: Browser.path != nil, "no Chromium here"))
struct ReviewBrowserTests {
    /// A mail that tries everything: markup that runs, loads and covers, in header and body.
    private static func hostile(port: UInt16) -> String {
        let url = "http://127.0.0.1:\(port)"
        return """
            From: "<img src='\(url)/from'>" <eve@example.org>
            Subject: </script><script>document.title='owned'</script>
            MIME-Version: 1.0
            Content-Type: text/plain; charset=utf-8

            <script>document.title = 'owned'; fetch('\(url)/fetch')</script>
            <img src="\(url)/img" onerror="document.title='owned'">
            <style>@import url('\(url)/style'); body { display: none }</style>
            <link rel="stylesheet" href="\(url)/link"><iframe src="\(url)/frame"></iframe>
            <meta http-equiv="refresh" content="0;url=\(url)/refresh"><form action="\(url)/form"><input autofocus></form>
            <!-- <script type="application/json" id="rows">[]</script> --> \u{202E}reversed\u{202C} the account of Ada

            """
    }

    private static func row(_ address: String, _ status: String, _ label: String, _ share: Double)
        -> JSONValue
    {
        .object([
            JSONMember("item", .string(address)), JSONMember("status", .string(status)),
            JSONMember("label", .string(label)), JSONMember("probability", .decimal(share)),
            JSONMember("distribution", .object([JSONMember(label, .decimal(share))])),
            JSONMember("tokens", .integer(9)), JSONMember("read", .decimal(1)),
            JSONMember("metadata", .object([JSONMember("subject", .string("mail \(address.suffix(8))"))])),
            JSONMember("model", .string("m")),
        ])
    }

    @Test("10,000 mails, hostile ones among them: filters, keys, texts; nothing runs, nothing is loaded")
    func mailbox() throws {
        let folder = TemporaryFolder()
        let (socket, port) = try Self.listen()
        defer { close(socket) }
        var mailbox = ""
        for index in 0..<10_000 {
            mailbox += "From a@example.org Mon Jan  1 00:00:00 2024\n"
            if index % 1000 == 7 {
                mailbox += Self.hostile(port: port) + "\n"
            } else {
                mailbox +=
                    "From: a@example.org\nSubject: mail \(index)\n\nThis is the text of mail \(index).\n\n"
            }
        }
        let path = folder.write(mailbox, to: "in.mbox")
        let writer = try ReviewWriter(
            folder.file("r.html"), .init(title: "in.mbox", kind: .classify, labels: ["spam", "ham"]),
            texts: .inputs(DocumentInputs([path])))
        for index in 0..<10_000 {
            try writer.write(
                Self.row(
                    "\(path)#\(index + 1)", index % 50 == 3 ? "partial.tokens" : "ok",
                    index % 3 == 0 ? "spam" : "ham",
                    Double(index % 100) / 100))
        }
        try writer.finish()
        let probe = """
            (function(){var out=[],shown=document.getElementById("shown"),list=document.getElementById("list"),
            doc=document.getElementById("doc");
            function key(name){document.dispatchEvent(new KeyboardEvent("keydown",{key:name,bubbles:true}));}
            function pick(id,value){var e=document.getElementById(id);e.value=value;
            e.dispatchEvent(new Event("input"));}
            function chosen(){return doc.querySelector(".path").textContent.replace(/.*#/,"");}
            out.push(shown.textContent,list.querySelectorAll(".row").length<60,chosen());
            key("ArrowDown");key("j");out.push(chosen());key("k");out.push(chosen());
            key("End");out.push(chosen(),doc.querySelector(".text:last-of-type").textContent.trim());
            key("Home");out.push(chosen());
            pick("label","spam");out.push(shown.textContent);
            pick("state","partial.tokens");out.push(shown.textContent);
            pick("label","");pick("state","");pick("low","0.95");out.push(shown.textContent);
            pick("low","0");pick("order","down");out.push(chosen());pick("order","");
            pick("label","ham");for(var k=0;k<5;k++)key("ArrowUp");
            out.push(document.querySelectorAll("img,iframe,link,form,object,embed").length);
            out.push(list.getAttribute("aria-activedescendant")!==null);
            document.body.dataset.probe=JSON.stringify(out);})();
            """
        let (dom, log) = try Browser.dump(folder, "r.html", probe: probe, hash: "#row=1")
        let found = try JSONValue(parsing: try #require(Browser.attribute("data-probe", in: dom)))
        let expected: [JSONValue] = [
            .string("10,000 of 10,000"), .bool(true), .string("1"), .string("3"), .string("2"),
            .string("10000"), .string("This is the text of mail 9999."), .string("1"),
            .string("3,334 of 10,000"), .string("67 of 10,000"), .string("500 of 10,000"), .string("100"),
            .integer(0), .bool(true),
        ]
        #expect(found == .array(expected))
        #expect(dom.contains("<title>in.mbox · lector</title>"))
        #expect(!log.contains("Content Security Policy"), "the page asks for nothing that its policy forbids")
        // A hostile mail is chosen, and its text is there to read.
        let reading = """
            document.body.dataset.probe=JSON.stringify([document.title,document.querySelector("h3").textContent,
            document.getElementById("doc").textContent,document.querySelectorAll("#doc script,#doc style").length]);
            """
        let (mail, _) = try Browser.dump(folder, "r.html", probe: reading, hash: "#row=8")
        let seen = try JSONValue(parsing: try #require(Browser.attribute("data-probe", in: mail))).array ?? []
        #expect(seen.first?.string == "in.mbox · lector" && seen.last?.integer == 0)
        let body = seen.count == 4 ? seen[2].string ?? "" : ""
        #expect(
            body.contains(
                "<script>document.title = 'owned'; fetch('http://127.0.0.1:\(port)/fetch')</script>"))
        #expect(body.contains("[U+202E]reversed") && body.contains("From: \"<img src="))
        var connection = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        #expect(poll(&connection, 1, 200) == 0, "nobody connected")
    }

    @Test("a document with several labels is found by each of them, one without by none of these")
    func severalLabels() throws {
        let folder = TemporaryFolder()
        let lists = [["a", "b"], [], ["b"], ["b", "a"]]
        let names = lists.indices.map { folder.write("Text \($0).\n", to: "\($0).txt") }
        let writer = try ReviewWriter(
            folder.file("r.html"), .init(title: "t", kind: .classify, labels: ["a", "b", "c"]),
            texts: .inputs(DocumentInputs(names)))
        for (name, list) in zip(names, lists) {
            let row = ClassificationRow(
                item: name, status: .ok, labels: list, probability: 0.75,
                distribution: ["a", "b", "c"].map {
                    .init(label: $0, probability: list.contains($0) ? 0.75 : 0.25)
                }, tokens: 3, read: 1)
            try writer.write(row.json)
        }
        try writer.finish()
        let probe = """
            (function(){var out=[],label=document.getElementById("label");
            function pick(value){label.value=value;label.dispatchEvent(new Event("input"));
            out.push(document.getElementById("shown").textContent);}
            out.push([].map.call(label.options,function(o){return o.value;}).join("|"));
            out.push([].map.call(document.querySelectorAll(".tag"),function(t){return t.textContent;}).join("|"));
            pick("a");pick("b");pick("none of these");pick("");
            document.querySelector(".pick[data-label=b]").click();
            out.push(document.getElementById("shown").textContent);
            document.body.dataset.probe=JSON.stringify(out);})();
            """
        let (dom, _) = try Browser.dump(folder, "r.html", probe: probe, hash: "#row=1")
        let found = try JSONValue(parsing: try #require(Browser.attribute("data-probe", in: dom)))
        let expected = [
            "|a|b|none of these", "a, b|none of these|b|b, a", "2 of 4", "3 of 4", "1 of 4", "4 of 4",
            "3 of 4",
        ]
        #expect(found == .array(expected.map { .string($0) }))
    }

    @Test("evidence is marked word for word and reached by key", arguments: [true, false])
    func evidence(isDark: Bool) throws {
        let folder = TemporaryFolder()
        let text = "Intro.\n\n" + String(repeating: "Füllung 日本 😀. ", count: 6000) + "Mira owes 40 €.\n"
        let path = folder.write(text, to: "a.txt")
        func span(_ words: String) -> JSONValue {
            let low = text.firstRange(of: words)!.lowerBound
            let start = text.utf8.distance(from: text.startIndex, to: low)
            return .object([
                JSONMember("part", .string(path)), JSONMember("start", .integer(start)),
                JSONMember("end", .integer(start + words.utf8.count)), JSONMember("text", .string(words)),
            ])
        }
        let fields = ["Mira", "40 €"].enumerated().map { index, words in
            JSONValue.object([
                JSONMember("field", .string("/f\(index)")), JSONMember("value", .string(words)),
                JSONMember("probability", .decimal(0.75)), JSONMember("null_probability", .decimal(0.1)),
                JSONMember("grounded", .bool(true)), JSONMember("spans", .array([span(words)])),
            ])
        }
        let writer = try ReviewWriter(
            folder.file("r.html"), .init(title: "a", kind: .extract), texts: .inputs(DocumentInputs([path])))
        try writer.write(
            .object([
                JSONMember("item", .string(path)), JSONMember("status", .string("ok")),
                JSONMember("fields", .array(fields)), JSONMember("model", .string("m")),
            ]))
        try writer.finish()
        let probe = """
            (function(){function key(name){document.dispatchEvent(new KeyboardEvent("keydown",{key:name,bubbles:true}));}
            var out=[];key("n");out.push(document.querySelector("mark.here").textContent);
            key("n");out.push(document.querySelector("mark.here").textContent);
            var place=document.querySelector("mark.here").getBoundingClientRect();
            var pane=document.getElementById("doc").getBoundingClientRect();
            var isInView=place.top>=pane.top&&place.bottom<=pane.bottom;
            out.push(document.querySelector("tr.on").textContent);
            key("n");out.push(document.querySelector("mark.here").textContent);
            out.push(document.querySelectorAll("mark").length);
            out.push(isInView);
            document.body.dataset.probe=JSON.stringify(out);})();
            """
        let (dom, _) = try Browser.dump(folder, "r.html", probe: probe, isDark: isDark)
        let found = try JSONValue(parsing: try #require(Browser.attribute("data-probe", in: dom)))
        #expect(
            found
                == .array([
                    .string("Mira"), .string("40 €"), .string("/f140 €0.750"), .string("Mira"), .integer(2),
                    .bool(true),
                ]))
    }

    /// A port on which nobody should call.
    private static func listen() throws -> (Int32, UInt16) {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                try #require(bind(socket, $0, length) == 0 && Glibc.listen(socket, 8) == 0)
                try #require(getsockname(socket, $0, &length) == 0)
            }
        }
        return (socket, UInt16(bigEndian: address.sin_port))
    }
}

/// A browser that is run without a screen.
enum Browser {
    static let path: String? = {
        let named = getenv("LECTOR_BROWSER").map { [String(cString: $0)] } ?? []
        let known = ["chromium", "chromium-browser", "google-chrome"].map { "/usr/bin/\($0)" }
        return (named + known).first { access($0, X_OK) == 0 }
    }()

    /// The page's elements after its script ran, and what the browser said.
    ///
    /// - Parameter probe: A script that is let into a copy of the page.
    static func dump(
        _ folder: TemporaryFolder, _ name: String, probe: String, hash: String = "", isDark: Bool = false
    ) throws -> (dom: String, log: String) {
        var page = String(decoding: try FileSystem.read(folder.file(name), limit: 1 << 30), as: UTF8.self)
        if !probe.isEmpty {
            let own = "'sha256-\(ReportPage.reviewScriptDigest)'"
            page = page.replacing(
                own, with: "\(own) 'sha256-\(Data(SHA256.digest(of: probe.utf8)).base64EncodedString())'")
            page = page.replacing("</body>", with: "<script>\(probe)</script></body>")
        }
        folder.write(page, to: "probe.html")
        let lector = LectorBinary(work: folder)
        let command =
            "exec timeout 300 '\(path!)' --headless --no-sandbox --disable-gpu --no-first-run --disable-extensions "
            + "--disable-background-networking --user-data-dir=profile --enable-logging=stderr --window-size=1400,900 "
            + (isDark ? "--force-dark-mode " : "") + "--dump-dom 'file://\(folder.file("probe.html"))\(hash)'"
        let result = lector.wait(lector.start(shell: command))
        try #require(result.status == 0, "\(result.err)")
        return (result.out, result.err)
    }

    static func attribute(_ name: String, in dom: String) -> String? {
        guard let start = dom.firstRange(of: "\(name)=\"")?.upperBound,
            let end = dom[start...].firstIndex(of: "\"")
        else { return nil }
        return String(dom[start..<end]).replacing("&quot;", with: "\"").replacing("&lt;", with: "<")
            .replacing("&gt;", with: ">").replacing("&amp;", with: "&")
    }
}
