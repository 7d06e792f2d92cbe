import Answers
import Digests
import JSON

/// What `summarize` makes of its input.
package struct SummaryTask: Sendable, Equatable {
    package enum Style: String, Sendable, CaseIterable {
        /// Sentences of the text.
        case extractive
        /// Sentences that the model writes, each with those of the text that bear it out.
        case abstractive
    }

    /// What gets one summary.
    package enum Subject: String, Sendable, CaseIterable {
        case document
        /// Mails that answer each other.
        case thread
        /// Documents of one mailbox, archive or folder.
        case folder
        /// Everything that is read.
        case all
    }

    package var options = ExtractiveSummary.Options()
    package var style = Style.extractive
    package var subject = Subject.document
    /// Support below which a written sentence is dropped.
    package var leastSupport = 0.5
    /// Rows of an earlier run, as lines: what was added since is summarized by itself.
    package var earlier: [UInt8] = []

    package init() {}

    /// Tokens that a summary that is written reads and writes at most, about.
    var mostTokens: Int { AbstractiveSummary.stretches(words: options.words) * 420 }

    /// Everything that decides a row.
    var identity: String {
        "summarize 3\n\(options.words)\n\(options.focus ?? "")\n\(options.outline)\n\(style)\n\(subject)\n"
            + "\(leastSupport)\n\(SHA256.digest(of: earlier).hex)"
    }
}
