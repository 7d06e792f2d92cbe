import KimiLinear

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Rates of one engine by phase and position, on made-up token ids (rates depend on shapes only).
public struct SpeedTest {
    /// One row of `lector bench`.
    public struct Measurement: Sendable {
        public enum Phase: String, Sendable {
            case prefill, decode
        }

        public let phase: Phase
        /// Tokens read before.
        public let position: Int
        /// Tokens of one timed run.
        public let tokens: Int
        /// Best of the runs.
        public let tokensPerSecond: Double
        /// The matrices' multiply-adds against what the cores' registers could do in the same
        /// time; nil where no such loop is known.
        public let shareOfPeak: Double?
        /// Of decoding: the time of a bare pass over the same weights against a step's.
        public let shareOfPass: Double?
        /// Bytes of the state at `position`: what stays constant, and what grows with the text.
        public let stateBytes: (constant: Int, growing: Int)
    }

    private let engine: Engine
    private let peak: Double?
    private let weightPass: Double
    private let isMade: Bool
    /// The furthest session so far, which later measurements fork or read on with.
    private let base: Base

    private final class Base {
        var session: Session
        init(_ session: Session) { self.session = session }
    }

    /// Measures the cores' peak and a bare pass over the weights first; some tens of milliseconds.
    ///
    /// - Parameter isMade: Whether what lies before a position is made up in place of being read: the
    ///   arithmetic from there on is that of a text, for positions that take hours to reach.
    public init(engine: Engine, isMade: Bool = false) {
        self.engine = engine
        self.isMade = isMade
        peak = engine.model.measurePeak()
        weightPass = engine.model.measureWeightPass()
        base = Base(engine.makeSession())
    }

    /// Operations a second of a register-only loop on all threads; nil where none is known.
    public var peakOperationsPerSecond: Double? { peak }

    /// Reads to `position`, then times `tokens` more, `runs` times from a copy of the same state.
    public func prefill(position: Int, tokens: Int, runs: Int = 3) -> Measurement {
        let base = session(at: position)
        let stateBytes = base.byteCounts
        let ids = Self.ids(position..<position + tokens, engine.vocabularySize)
        var best = Double.infinity
        for _ in 0..<runs {
            let session = copy(base)
            let start = seconds()
            _ = engine.advance([PrefillItem(session: session, tokens: ids[...])])
            best = min(best, seconds() - start)
        }
        return measurement(.prefill, position, stateBytes, tokens, best, withHead: false)
    }

    /// Reads to `position`, then times `tokens` single steps with logits, `runs` times.
    public func decode(position: Int, tokens: Int, runs: Int = 3) -> Measurement {
        let base = session(at: position)
        let stateBytes = base.byteCounts
        let ids = Self.ids(position..<position + tokens, engine.vocabularySize)
        var best = Double.infinity
        for _ in 0..<runs {
            let session = copy(base)
            let start = seconds()
            for id in ids { _ = engine.decode([(session, id)]) }
            best = min(best, seconds() - start)
        }
        return measurement(.decode, position, stateBytes, tokens, best, withHead: true)
    }

    /// A made-up state may fill half the memory: runs go on with it, a few tokens further on.
    private func copy(_ base: Session) -> Session { isMade ? base : base.fork() }

    /// Frees the last session's memory before the next one's is taken; inlined, the store would go.
    @inline(never)
    private func drop() { base.session = engine.makeSession() }

    private func session(at position: Int) -> Session {
        if isMade {
            if base.session.tokenCount != position {
                drop()
                base.session = Session(
                    state: SequenceState(shape: engine.model.stateShape, madeAt: position))
            }
            return base.session
        }
        if base.session.tokenCount > position { base.session = engine.makeSession() }
        let missing = Self.ids(base.session.tokenCount..<position, engine.vocabularySize)
        _ = engine.advance([PrefillItem(session: base.session, tokens: missing[...])])
        return base.session
    }

    private func measurement(
        _ phase: Measurement.Phase, _ position: Int, _ stateBytes: (constant: Int, growing: Int),
        _ tokens: Int,
        _ time: Double,
        withHead: Bool
    ) -> Measurement {
        let rate = Double(tokens) / time
        let operations = 2 * Double(engine.config.multiplyAddsPerToken(withHead: withHead))
        return Measurement(
            phase: phase, position: position, tokens: tokens, tokensPerSecond: rate,
            shareOfPeak: peak.map { operations * rate / $0 },
            shareOfPass: phase == .decode ? weightPass * rate : nil, stateBytes: stateBytes)
    }

    /// Ids that look like no loop.
    private static func ids(_ positions: Range<Int>, _ vocabulary: Int) -> [Int32] {
        positions.map { Int32(truncatingIfNeeded: ($0 &* 2_654_435_761 >> 7) % vocabulary) }
    }
}

/// Seconds of a clock that never goes back.
func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
}
