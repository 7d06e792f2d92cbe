import Constraints
import Inference

/// Writes texts under constraints, many at once: the likeliest token that may come next.
///
/// What is forced is read as prefill. The share of each free choice is measured after the mask.
package final class ConstrainedDecoder {
    /// A session behind its prompt, the logits there, and what the text must look like.
    package struct Job {
        package var session: Session
        package var logits: [Float]
        package var matcher: ConstraintMatcher
    }

    /// A token that was chosen among others.
    package struct Choice: Equatable {
        /// Bytes of the text.
        package var range: Range<Int>
        /// Its share among the tokens that were allowed.
        package var share: Double
        /// The share of tokens that begin `null`, behind spaces.
        package var nullShare: Double
    }

    package struct Output {
        package var text: [UInt8] = []
        package var choices: [Choice] = []
        /// Whether the constraint was met; false when `maximumTokens` came first.
        package var isComplete = false
        /// Tokens written.
        package var tokens = 0
    }

    private let model: LoadedModel
    private let beginsNull: [Bool]

    package init(model: LoadedModel) {
        self.model = model
        beginsNull = (0..<Int32(model.tokenizer.vocabularySize)).map { id in
            model.tokenizer.tokenBytes(id).first { $0 != 0x20 } == UInt8(ascii: "n")
        }
    }

    /// Writes all texts to their ends, sharing every matrix product.
    package func decode(_ jobs: [Job], maximumTokens: Int) -> [Output] {
        var jobs = jobs
        var outputs = [Output](repeating: Output(), count: jobs.count)
        var open = Array(jobs.indices)
        while !open.isEmpty {
            var items: [PrefillItem] = []
            var reading: [Int] = []
            for index in open {
                let next = advance(&jobs[index], &outputs[index], maximumTokens)
                guard !next.isEmpty else { continue }
                items.append(
                    PrefillItem(
                        session: jobs[index].session, tokens: next[...], wantsLogits: true, isDecoding: true))
                reading.append(index)
            }
            for (index, logits) in zip(reading, model.engine.advance(items)) { jobs[index].logits = logits! }
            open = reading
        }
        return outputs
    }

    /// The tokens that come next; none at the end.
    private func advance(_ job: inout Job, _ output: inout Output, _ maximumTokens: Int) -> [Int32] {
        if job.matcher.isExhausted {
            output.isComplete = job.matcher.isComplete
            return []
        }
        guard output.tokens < maximumTokens else { return [] }
        let tokenizer = model.tokenizer
        let forced = job.matcher.forcedTokens({ tokenizer.encode($0) }, bytes: { tokenizer.tokenBytes($0) })
        if !forced.isEmpty {
            for token in forced { write(token, &job, &output) }
            return job.matcher.isExhausted ? finish(&output, job) : forced
        }
        guard let (token, share, nullShare) = choose(job.logits, job.matcher.mask()) else { return [] }
        let start = output.text.count
        write(token, &job, &output)
        output.choices.append(Choice(range: start..<output.text.count, share: share, nullShare: nullShare))
        return job.matcher.isExhausted ? finish(&output, job) : [token]
    }

    private func finish(_ output: inout Output, _ job: Job) -> [Int32] {
        output.isComplete = job.matcher.isComplete
        return []
    }

    private func write(_ token: Int32, _ job: inout Job, _ output: inout Output) {
        let bytes = model.tokenizer.tokenBytes(token)
        let fits = job.matcher.advance(bytes)
        precondition(fits, "a token of the mask does not fit")
        output.text += bytes
        output.tokens += 1
    }

    private func choose(_ logits: [Float], _ mask: TokenMask) -> (Int32, Double, Double)? {
        let allowed = mask.tokens
        var best: Int32 = -1
        var highest = -Float.infinity
        for token in allowed where logits[Int(token)] > highest || best < 0 {
            let value = logits[Int(token)]
            if value.isNaN { continue }
            highest = value
            best = token
        }
        guard best >= 0 else { return allowed.first.map { ($0, 0, 0) } }
        guard allowed.count > 1, highest.isFinite else { return (best, 1, beginsNull[Int(best)] ? 1 : 0) }
        var sum = 0.0
        var null = 0.0
        for token in allowed {
            let distance = Double(logits[Int(token)] - highest)
            guard distance > -40 else { continue }
            let weight = exponential(distance)
            sum += weight
            if beginsNull[Int(token)] { null += weight }
        }
        return (best, 1 / sum, null / sum)
    }
}
