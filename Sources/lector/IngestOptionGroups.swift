import ArgumentParser
import Ingest
import Pipelines

/// How inputs are read: for every verb that reads documents.
struct ReadingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Lines of JSON are documents; the field that holds the text.", valueName: "field"))
    var jsonText: String?

    @Option(
        help: ArgumentHelp("Rows of CSV are documents; the column that holds the text.", valueName: "column"))
    var csvText: String?

    @Option(
        help: ArgumentHelp(
            "Elements of XML that are documents, from the root, such as mediawiki/page.", valueName: "path"))
    var xmlRecord: String?

    @Option(help: ArgumentHelp("Where the text stands in them, such as revision/text.", valueName: "path"))
    var xmlText: String?

    @OptionGroup var passwords: PasswordOptions

    @OptionGroup var limits: LimitOptions

    /// Whether it is said which records are documents.
    var namesRecords: Bool { [jsonText, csvText, xmlRecord, xmlText].contains { $0 != nil } }

    func validate() throws {
        var options = IngestOptions()
        apply(to: &options)
        for key in ReadingKey.all {
            if let problem = key.problem(in: options) { throw ValidationError("--\(key.name) \(problem)") }
        }
    }

    /// What was given, on top of `options`.
    func over(_ options: IngestOptions = .init()) throws(PipelineError) -> IngestOptions {
        var options = options
        apply(to: &options)
        options.passwords = try passwords.all()
        return options
    }

    private func apply(to options: inout IngestOptions) {
        if let jsonText { options.jsonTextField = jsonText }
        if let csvText { options.csvTextColumn = csvText }
        if let xmlRecord { options.xmlRecord = xmlRecord }
        if let xmlText { options.xmlText = xmlText }
        limits.apply(to: &options.limits)
    }
}

/// Passwords for what is encrypted. They are never written anywhere.
struct PasswordOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A password to try on encrypted archives and PDFs; may be given several times. Others see it in the list of processes.",
            valueName: "text"))
    var password: [String] = []

    @Option(
        help: ArgumentHelp(
            "A file of such passwords, one a line; so has LECTOR_PASSWORD. Only pdftotext, for PDFs, gets them as arguments.",
            valueName: "file")
    )
    var passwordFile: String?

    /// Those of the command line, of the file and of the environment, in this order.
    func all() throws(PipelineError) -> [String] {
        var texts = password
        if let passwordFile {
            let bytes = try FileSystem.read(passwordFile, limit: 1 << 20)
            guard let text = String(validating: bytes, as: UTF8.self), case let lines = Self.lines(text),
                !lines.isEmpty
            else {
                throw .data(
                    "--password-file \(CommandSupport.clean(passwordFile)): passwords in UTF-8 were expected, one a line"
                )
            }
            texts += lines
        }
        return texts + Self.lines(CommandSupport.environment["LECTOR_PASSWORD"] ?? "")
    }

    private static func lines(_ text: String) -> [String] {
        text.split { $0.isNewline }.map(String.init)
    }

    /// The words of a command line, to be shown, without what stands behind `--password`.
    static func hidden(_ arguments: [String]) -> [String] {
        var result: [String] = []
        for argument in arguments {
            if result.last == "--password" {
                result.append("PASSWORD")
            } else if argument.hasPrefix("--password=") {
                result.append("--password=PASSWORD")
            } else {
                result.append(argument)
            }
        }
        return result
    }
}

/// The limits of ingestion as options.
struct LimitOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Containers inside containers (limit.depth); \(IngestLimits().maxDepth).", valueName: "count"))
    var maxDepth: Int?

    @Option(
        help: ArgumentHelp(
            "Entries of one archive or folder (limit.entries); \(IngestLimits().maxEntries).",
            valueName: "count"))
    var maxEntries: Int?

    @Option(
        help: ArgumentHelp(
            "Unpacked bytes for each packed byte (limit.ratio); \(IngestLimits().maxRatio).",
            valueName: "count"))
    var maxRatio: Int?

    @Option(
        help: ArgumentHelp(
            "Bytes unpacked from one archive, such as 500M (limit.bytes); \(ByteCount(IngestLimits().maxUnpackedBytes)).",
            valueName: "size"))
    var maxUnpacked: ByteCount?

    @Option(
        help: ArgumentHelp(
            "Decoded text of one document (limit.bytes); \(ByteCount(IngestLimits().maxDocumentBytes)).",
            valueName: "size"))
    var maxDocument: ByteCount?

    @Option(
        help: ArgumentHelp(
            "Bytes of one mail, which is held in memory (limit.bytes); \(ByteCount(IngestLimits().maxMessageBytes)).",
            valueName: "size"))
    var maxMessage: ByteCount?

    @Option(
        help: ArgumentHelp(
            "Memory of the process that reads for lector (limit.memory); \(ByteCount(IngestLimits().maxReaderBytes)).",
            valueName: "size"))
    var maxReaderMemory: ByteCount?

    func apply(to limits: inout IngestLimits) {
        if let maxDepth { limits.maxDepth = maxDepth }
        if let maxEntries { limits.maxEntries = maxEntries }
        if let maxRatio { limits.maxRatio = maxRatio }
        if let maxUnpacked { limits.maxUnpackedBytes = maxUnpacked.bytes }
        if let maxDocument { limits.maxDocumentBytes = maxDocument.bytes }
        if let maxMessage { limits.maxMessageBytes = maxMessage.bytes }
        if let maxReaderMemory { limits.maxReaderBytes = maxReaderMemory.bytes }
    }
}

/// A number of bytes as people write it: `500`, `64K`, `20M`, `1G`, `2T`.
struct ByteCount: ExpressibleByArgument, CustomStringConvertible {
    var bytes: Int

    init(_ bytes: Int) { self.bytes = bytes }

    init?(argument: String) {
        guard let bytes = Pipelines.ByteCount.parse(argument) else { return nil }
        self.bytes = bytes
    }

    var description: String { Pipelines.ByteCount.short(bytes) }

    var defaultValueDescription: String { description }
}
