import Answers
import Documents
import Glibc
import Pipelines
import Testing

@Suite("A run folder is a run of one thing")
struct RunFolderTests {
    private func configuration(_ names: [String] = ["spam", "ham"]) -> RunConfiguration {
        RunConfiguration(
            labels: try! LabelList(names.map { Label(name: $0) }), modelName: "m", modelFingerprint: "f",
            tokenizerFingerprint: "t", numericsClass: "n")
    }

    private func manifest(_ configuration: RunConfiguration, _ paths: [String]) throws -> RunManifest {
        RunManifest(
            configuration: configuration, inventory: try InputInventory(paths: paths), workingFolder: "/w")
    }

    @Test("the manifest comes back as it was; folder and files are private")
    func roundTrip() throws {
        let folder = TemporaryFolder()
        let input = folder.write("From x\n", to: "a.mbox")
        var full = configuration()
        full.labels = try LabelList([Label(name: "spam", description: "why \"not\""), Label(name: "ham")])
        full.instruction = "Which?"
        full.threshold = 0.75
        full.maxTokens = 100
        full.skipQuoted = true
        full.sample = 5
        let manifest = try manifest(full, [input, folder.file("none")])
        let run = RunFolder(folder.file("run"))
        try run.lock()
        try run.adopt(manifest)
        #expect(try RunManifest(path: run.manifestPath) == manifest)
        #expect(mode(of: run.path) == 0o700)
        #expect(mode(of: run.manifestPath) == 0o600)
        try run.adopt(manifest)
    }

    @Test("a second process is told to wait")
    func busy() throws {
        let folder = TemporaryFolder()
        let first = RunFolder(folder.file("run"))
        try first.lock()
        do {
            try RunFolder(folder.file("run")).lock()
            Issue.record("two have the lock")
        } catch { #expect(error.exitStatus == 75) }
    }

    @Test("another configuration is refused with the difference named, exit status 78")
    func refusal() throws {
        let folder = TemporaryFolder()
        let input = folder.write("From x\n", to: "a.mbox")
        let run = RunFolder(folder.file("run"))
        try run.lock()
        try run.adopt(try manifest(configuration(), [input]))
        func refused(_ manifest: RunManifest, _ words: String...) {
            do {
                try run.adopt(manifest)
                Issue.record("\(words) was taken")
            } catch {
                #expect(error.exitStatus == 78)
                for word in words { #expect(error.description.contains(word), "\(error)") }
            }
        }
        refused(try manifest(configuration(["a", "b"]), [input]), "spam,ham", "a,b")
        refused(try manifest(configuration(["ham", "spam"]), [input]), "labels")
        var other = configuration()
        other.threshold = 0.5
        refused(try manifest(other, [input]), "--threshold", "none", "0.5")
        other = configuration()
        other.modelFingerprint = "g"
        refused(try manifest(other, [input]), "model")
        other = configuration()
        other.numericsClass = "o"
        refused(try manifest(other, [input]), "CPU class")
        refused(try manifest(configuration(), [input, input]), "inputs")
        folder.write("From y more\n", to: "a.mbox")
        refused(try manifest(configuration(), [input]), "a.mbox", "bytes")
    }

    @Test("a folder that holds something else is left alone")
    func foreign() throws {
        let folder = TemporaryFolder()
        folder.write("mine", to: "diary.txt")
        let run = RunFolder(folder.path)
        try run.lock()
        #expect(throws: PipelineError.self) { try run.adopt(try manifest(configuration(), [])) }
    }

    @Test("the name of a run is that of its first input, made harmless, and a digest of all")
    func name() throws {
        let folder = TemporaryFolder()
        let input = folder.write("x", to: "..a b\u{1B}.mbox")
        let first = try manifest(configuration(), [input])
        #expect(first.name.hasPrefix("a_b_.mbox-"))
        #expect(try manifest(configuration(), [input]).name == first.name)
        #expect(try manifest(configuration(["a", "b"]), [input]).name != first.name)
        folder.write("xy", to: "..a b\u{1B}.mbox")
        #expect(try manifest(configuration(), [input]).name != first.name)
    }

    @Test("a run is found by folder, by name and by the beginning of its name")
    func find() throws {
        let folder = TemporaryFolder()
        for name in ["runs/inbox-1a", "runs/inbox-1b", "runs/other-2"] {
            let run = RunFolder(folder.file(name))
            try run.lock()
            try run.adopt(try manifest(configuration(), []))
        }
        #expect(try RunFolder.find("other", stateFolder: folder.path).path.hasSuffix("other-2"))
        #expect(try RunFolder.find("inbox-1b", stateFolder: folder.path).path.hasSuffix("inbox-1b"))
        #expect(throws: PipelineError.self) { try RunFolder.find("inbox", stateFolder: folder.path) }
        #expect(throws: PipelineError.self) { try RunFolder.find("nothing", stateFolder: folder.path) }
    }
}
