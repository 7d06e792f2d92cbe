import Answers
import Documents
import JSON

/// What a command asks for: what to read, how to sort it, where the rows go.
package struct RunRequest: Sendable, Equatable {
    package var inputs: DocumentInputs
    package var labels = LabelList.spamOrHam
    /// Any number of the labels may apply to a document; each is asked for by itself.
    package var multi = false
    package var instruction: String?
    /// Below it a row abstains; with ``multi``, a label does not apply.
    package var threshold: Double?
    package var maxTokens: Int?
    package var skipQuoted = false
    package var sample: Int?
    /// Corrects probabilities, see `LabelCalibration`.
    package var calibrates = true
    /// Reads the labels off instead of the prompt; its labels and instruction are the run's.
    package var head: LinearHead? {
        didSet {
            guard let head else { return }
            labels = head.labels
            instruction = head.instruction
        }
    }
    package var output = Output()

    /// Where rows go, and how hard to work: nothing of it changes a row.
    package struct Output: Sendable, Equatable {
        /// Result files; none means standard output.
        package var files: [String] = []
        package var report: String?
        /// Rows in the order in which they are finished.
        package var unordered = false
        /// As given; nil is the bundled model.
        package var modelPath: String?
        package var threads: Int?
        /// Tokens that a kill may cost at most.
        package var checkpointTokens = 16_384

        package init() {}
    }

    package init(inputs: DocumentInputs) { self.inputs = inputs }

    /// All files that are written, reports among them.
    package var files: [String] { output.files + (output.report.map { [$0] } ?? []) }

    /// Refuses what could not be written at the end, before anything is read.
    package func check() throws(PipelineError) {
        guard !inputs.paths.isEmpty else { throw .usage("no input; give a file, a folder, an archive or -") }
        if multi {
            if head != nil {
                throw .usage("--multi: a head gives each document one label; leave --multi or --head away")
            }
            do { _ = try ClassificationPrompt(labels: labels).forEachLabel() } catch {
                throw .usage("--multi: \(error)")
            }
        }
        for file in output.files { _ = try ResultFormat(path: file) }
        if let report = output.report, try ResultFormat(path: report) != .html {
            throw .usage("--report \(TerminalText.sanitized(report)): a report ends in .html")
        }
        guard Set(files).count == files.count else { throw .usage("one file is named twice as output") }
        for file in files {
            if inputs.paths.contains(file) {
                throw .usage("\(TerminalText.sanitized(file)) is an input and an output")
            }
            let folder = FileSystem.parent(of: file)
            if !FileSystem.isFolder(folder) {
                throw .io(
                    "cannot write \(TerminalText.sanitized(file)): there is no folder "
                        + TerminalText.sanitized(folder))
            }
        }
    }
}

extension RunRequest.Output {
    var json: JSONValue {
        .object([
            JSONMember("files", .array(files.map { .string($0) })),
            JSONMember("report", .optional(report)),
            JSONMember("unordered", .bool(unordered)),
            JSONMember("model", .optional(modelPath)),
            JSONMember("threads", threads.map { .integer($0) } ?? .null),
            JSONMember("checkpointTokens", .integer(checkpointTokens)),
        ])
    }

    init?(json: JSONValue?) {
        guard let json, let files = json["files"]?.array?.compactMap(\.string) else { return nil }
        self.init()
        self.files = files
        report = json["report"]?.string
        unordered = json["unordered"]?.bool ?? false
        modelPath = json["model"]?.string
        threads = json["threads"]?.integer
        checkpointTokens = json["checkpointTokens"]?.integer ?? checkpointTokens
    }
}

extension RunRequest {
    /// The request that made a run folder, to go on with it.
    ///
    /// - Parameter passwords: Given again, since no file has them.
    package init(resuming folder: RunFolder, passwords: [String] = []) throws(PipelineError) {
        let manifest = try RunManifest(path: folder.manifestPath)
        let command: JSONValue
        do { command = try JSONValue(parsing: try FileSystem.read(folder.commandPath)) } catch {
            throw .data(
                "\(TerminalText.sanitized(folder.commandPath)) cannot be read; give the whole command again")
        }
        guard let output = Output(json: command) else {
            throw .data(
                "\(TerminalText.sanitized(folder.commandPath)) is damaged; give the whole command again")
        }
        let configuration = manifest.configuration
        inputs = try manifest.inputs(passwords: passwords)
        labels = configuration.labels
        multi = configuration.multi
        instruction = configuration.instruction
        threshold = configuration.threshold
        maxTokens = configuration.maxTokens
        skipQuoted = configuration.skipQuoted
        sample = configuration.sample
        calibrates = configuration.calibration != nil || configuration.head != nil
        self.output = output
        if let digest = configuration.head {
            let head = try HeadFile.read(folder.headPath)
            guard head.digest == digest else {
                throw .data(
                    "\(TerminalText.sanitized(folder.headPath)) is not the head of this run; give the whole command again"
                )
            }
            self.head = head
        }
    }
}
