import Glibc
import JSON
import Testing

/// batch, chat and prices as people run them.
@Suite(.enabled(if: LectorBinary.path != nil)) struct BatchCommandTests {
    /// 80 rows: chats and completions, every tenth one wrong in its own way.
    static func requests() -> String {
        let wrong = [
            "{broken",
            #"{"custom_id": "w1", "method": "GET", "url": "/v1/completions", "body": {"prompt": "x"}}"#,
            #"{"custom_id": "w2", "method": "POST", "url": "/v1/elsewhere", "body": {}}"#,
            #"{"custom_id": "w3", "method": "POST", "url": "/v1/completions", "body": {"prompt": "x", "n": 0}}"#,
            #"{"custom_id": "w4", "method": "POST", "url": "/v1/completions", "body": {"prompt": [999999999]}}"#,
            #"{"method": "POST", "url": "/v1/completions", "body": {"prompt": "x"}}"#,
            #"{"custom_id": "w6", "method": "POST", "url": "/v1/completions", "body": {"prompt": "x", "stream": true}}"#,
            "[1, 2]",
        ]
        let common = String(repeating: "Mails are sorted here with care. ", count: 20)
        return (0..<80).map { index in
            if index % 10 == 4 { return wrong[index / 10] }
            let more =
                index % 3 == 0 ? #", "n": 2, "logprobs": true, "top_logprobs": 1"# : #", "temperature": 0.7"#
            return
                #"{"custom_id": "r\#(index)", "method": "POST", "url": "/v1/chat/completions", "body": {"messages": [{"role": "system", "content": "\#(common)"}, {"role": "user", "content": "Mail \#(index)"}], "max_tokens": \#(6 + index % 20)\#(more)}}"#
        }.joined(separator: "\n") + "\n\n"
    }

    @Test("a row out for every row in, in order, errors too; killed 20 times it loses and repeats nothing")
    func kills() throws {
        let lector = LectorBinary(work: TemporaryFolder())
        lector.work.write(Self.requests(), to: "requests.jsonl")
        let whole = lector.run(["batch", "requests.jsonl", "-o", "whole.jsonl"])
        #expect(whole.status == 1)
        #expect(whole.err.contains("80 rows, 8 of them errors"))
        let rows = try lector.text("whole.jsonl").split(separator: "\n").map {
            try JSONValue(parsing: String($0))
        }
        #expect(rows.count == 80 && Set(rows.map { $0["id"]?.string }).count == 80)
        for (index, row) in rows.enumerated() {
            let response = row["response"]
            let isWrong = index % 10 == 4
            #expect(response?["status_code"]?.integer == (isWrong ? 400 : 200))
            #expect(row["error"]?.isNull == true)
            if isWrong {
                #expect(
                    response?["body"]?["error"]?.members?.map(\.name) == ["message", "type", "param", "code"])
            } else {
                #expect(row["custom_id"]?.string == "r\(index)")
                #expect(response?["body"]?["choices"]?.array?.count == (index % 3 == 0 ? 2 : 1))
            }
        }

        var environment = lector
        environment.environment["XDG_STATE_HOME"] = lector.work.file("other")
        var seen = 0
        var most = 0
        var kills = 0
        for _ in 0..<200 where kills < 20 {
            // Few rows at once, so that there is something left to be killed.
            let pid = environment.start([
                "batch", "requests.jsonl", "-o", "again.jsonl", "-q", "--parallel", "4",
            ])
            // Until some more rows are kept than before.
            for _ in 0..<10_000 {
                let now = Self.journalBytes(lector.work.file("other/lector/batches"))
                if now > seen + 600 || lector.text("again.jsonl").isEmpty == false { break }
                usleep(2000)
            }
            kill(pid, SIGKILL)
            if environment.wait(pid).status == 128 + SIGKILL { kills += 1 }
            seen = max(seen, Self.journalBytes(lector.work.file("other/lector/batches")))
            most = max(most, seen)
            if lector.text("again.jsonl").isEmpty == false {
                // It was done before: what was killed is right, and all of it begins anew.
                #expect(lector.text("again.jsonl") == lector.text("whole.jsonl"))
                unlink(lector.work.file("again.jsonl"))
                TemporaryFolder.remove(lector.work.file("other"))
                seen = 0
            }
        }
        #expect(kills == 20 && most > 0)
        #expect(environment.run(["batch", "requests.jsonl", "-o", "again.jsonl", "-q"]).status == 1)
        #expect(lector.text("again.jsonl") == lector.text("whole.jsonl"))
    }

    private static func journalBytes(_ folder: String) -> Int {
        guard let list = opendir(folder) else { return 0 }
        defer { closedir(list) }
        var bytes = 0
        while let entry = readdir(list) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            var info = stat()
            if name.hasSuffix(".journal"), stat(folder + "/" + name, &info) == 0 {
                bytes += Int(info.st_size)
            }
        }
        return bytes
    }

    @Test("unordered rows are the same rows; standard output serves; a missing file is 74, a wrong flag 64")
    func outputs() throws {
        let lector = LectorBinary(work: TemporaryFolder())
        let few = Self.requests().split(separator: "\n").prefix(12).joined(separator: "\n")
        lector.work.write(few, to: "r.jsonl")
        let ordered = lector.run(["batch", "r.jsonl", "-q"])
        let unordered = lector.run(["batch", "r.jsonl", "-q", "--unordered"])
        #expect(ordered.status == 1 && unordered.status == 1)
        #expect(ordered.out.split(separator: "\n").count == 12)
        #expect(ordered.out.split(separator: "\n").sorted() == unordered.out.split(separator: "\n").sorted())
        #expect(lector.run(["batch", "none.jsonl"]).status == 74)
        #expect(lector.run(["batch", "r.jsonl", "--parallel", "0"]).status == 64)
        #expect(lector.run(["batch", "r.jsonl", "--price", "cheap"]).status == 64)
        lector.work.write("", to: "empty.jsonl")
        #expect(lector.run(["batch", "empty.jsonl", "-q"]).status == 0)
    }

    @Test("chat repeats with a seed, obeys a schema, and refuses what the endpoints refuse")
    func chat() throws {
        let lector = LectorBinary(work: TemporaryFolder())
        let arguments = ["chat", "-p", "Hello", "--seed", "5", "--max-tokens", "12", "-q"]
        let first = lector.run(arguments)
        #expect(first.status == 0 && first.out == lector.run(arguments).out && first.err.isEmpty)
        lector.work.write(#"{"enum": ["spam", "ham"]}"#, to: "s.json")
        let answer = lector.run(["chat", "-p", "Win money", "--schema", "s.json", "-q"]).out
        #expect(["\"spam\"\n", "\"ham\"\n"].contains(answer))
        #expect(lector.run(["chat", "-p", "x", "--temperature", "9"]).status == 64)
        lector.work.write("one\ntwo\n", to: "turns")
        let turns = lector.run(
            ["chat", "--temperature", "0", "--max-tokens", "4"], input: lector.work.file("turns"))
        #expect(turns.status == 0 && turns.err.contains("tokens read"))
    }

    @Test("--price says what reading costs")
    func price() throws {
        let lector = LectorBinary(work: TemporaryFolder())
        lector.work.write(String(repeating: "word ", count: 1000), to: "a.txt")
        let result = lector.run(["tokens", "a.txt", "--json", "--no-estimate", "--price", "1000,0"])
        let summary = try JSONValue(parsing: String(result.out.split(separator: "\n").last ?? ""))["summary"]
        let tokens = try #require(summary?["tokens"]?.integer)
        #expect(summary?["dollars"]?.double == Double(tokens) / 1000)
        // The summary of a run, too.
        for verb in [["classify", "--labels", "spam,ham"], ["summarize"]] {
            let run = lector.run(
                verb + ["a.txt", "-o", "rows.jsonl", "--json", "--price", "1000,0"])
            let told = try JSONValue(parsing: run.out)
            let read = try #require(told["tokens"]?.integer)
            #expect(told["dollars"]?.double == Double(read) / 1000)
            #expect(run.err.contains("to read at $1000.0 a million tokens"))
        }
    }
}
