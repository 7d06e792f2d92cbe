import ArgumentParser
import Ingest

/// How inputs are read, beside the limits.
struct ReadingOptions: ParsableArguments {
    @Option(help: "A password to try on encrypted archives and PDFs; may be given several times.")
    var password: [String] = []

    @Option(help: "Elements of XML that are documents, from the root, such as mediawiki/page.")
    var xmlRecord: String?

    @Option(help: "Where the text stands in them, such as revision/text.")
    var xmlText: String?

    @Option(help: "Lines of JSON are documents; the field that holds the text.")
    var jsonText: String?

    @Option(help: "Rows of CSV are documents; the column that holds the text.")
    var csvText: String?

    func apply(to options: inout IngestOptions) {
        options.passwords = password
        options.xmlRecord = xmlRecord
        options.xmlText = xmlText
        options.jsonTextField = jsonText
        options.csvTextColumn = csvText
    }
}

/// The limits of ingestion as options, for every verb that reads inputs.
struct LimitOptions: ParsableArguments {
    @Option(help: "Containers inside containers (limit.depth).")
    var maxDepth = IngestLimits().maxDepth

    @Option(help: "Entries of one archive or folder (limit.entries).")
    var maxEntries = IngestLimits().maxEntries

    @Option(help: "Unpacked bytes for each packed byte (limit.ratio).")
    var maxRatio = IngestLimits().maxRatio

    @Option(help: "Bytes unpacked from one archive, such as 500M or 64G (limit.bytes).")
    var maxUnpacked = ByteCount(IngestLimits().maxUnpackedBytes)

    @Option(help: "Decoded text of one document (limit.bytes).")
    var maxDocument = ByteCount(IngestLimits().maxDocumentBytes)

    @Option(help: "Bytes of one mail, which is held in memory (limit.bytes).")
    var maxMessage = ByteCount(IngestLimits().maxMessageBytes)

    @Option(help: "Memory of the process that reads for lector (limit.memory).")
    var maxReaderMemory = ByteCount(IngestLimits().maxReaderBytes)

    func limits() throws -> IngestLimits {
        var limits = IngestLimits()
        limits.maxDepth = maxDepth
        limits.maxEntries = maxEntries
        limits.maxRatio = maxRatio
        limits.maxUnpackedBytes = maxUnpacked.bytes
        limits.maxDocumentBytes = maxDocument.bytes
        limits.maxMessageBytes = maxMessage.bytes
        limits.maxReaderBytes = maxReaderMemory.bytes
        let isSound = maxDepth >= 0 && maxEntries >= 1 && maxRatio >= 1
        guard isSound else { throw ValidationError("a limit must be a positive number") }
        guard maxMessage.bytes <= 1 << 30 else {
            throw ValidationError("--max-message: a mail is held in memory; at most 1G")
        }
        return limits
    }
}

/// A number of bytes as people write it: `500`, `64K`, `20M`, `1G`, `2T`.
struct ByteCount: ExpressibleByArgument, CustomStringConvertible {
    var bytes: Int

    init(_ bytes: Int) { self.bytes = bytes }

    init?(argument: String) {
        let units: [Character: Int] = ["K": 10, "M": 20, "G": 30, "T": 40]
        var digits = Substring(argument.uppercased())
        var shift = 0
        if digits.hasSuffix("IB") {
            digits = digits.dropLast(2)
        } else if digits.hasSuffix("B") {
            digits = digits.dropLast()
        }
        if let unit = digits.last.flatMap({ units[$0] }) {
            shift = unit
            digits = digits.dropLast()
        }
        guard let number = Int(digits), number > 0, number <= Int.max >> shift else { return nil }
        bytes = number << shift
    }

    var description: String {
        for (shift, unit) in [(40, "T"), (30, "G"), (20, "M"), (10, "K")]
        where bytes % (1 << shift) == 0 && bytes > 0 {
            return "\(bytes >> shift)\(unit)"
        }
        return "\(bytes)"
    }

    var defaultValueDescription: String { description }
}
