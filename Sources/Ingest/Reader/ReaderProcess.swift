import Documents
import Glibc

/// The documents of some inputs, read by another process: what ends it costs the document that it was reading, and
/// no other.
///
/// The process says of every item of inputs, folders, mailboxes and archives that it is about to read it. When it ends
/// amid one, that item is `failed.crashed` (`failed.limit.time` without a sign of life, `failed.limit.memory` with too much
/// of it), and another process goes on after it. See docs/decisions/0026-reader-process.md.
package final class ReaderProcess {
    /// Path and arguments of the program that reads, for all streams of this process: one whose `main` calls
    /// ``ReaderWorker/run()``. Nil, as it is unless a program says so at its start, reads in this process.
    package nonisolated(unsafe) static var program: [String]?

    private let program: [String]
    private var request: ReaderRequest
    private var connection: ReaderConnection?
    /// Nothing more comes.
    private var isFinished = false
    /// The first process did not find the place to begin at.
    private(set) var isLost = false
    private(set) var place: StreamPlace?
    private var hasStruckLimit = false

    /// Where the process is: the item, how it and those around it are called, and what of it came.
    private var steps: [[Int]] = []
    private var addresses: [String] = []
    private var lastAddress = ""
    private var hasEntered = false
    private var open: (address: String, textBytes: Int)?
    private var failedAddress: String?
    private var pending: DocumentEvent?
    /// Where standard input began, if it can be sought in.
    private let standardInput: off_t?

    init(_ program: [String], _ request: ReaderRequest) {
        self.program = program
        self.request = request
        let offset = request.inputs.contains("-") ? lseek(0, 0, SEEK_CUR) : -1
        standardInput = offset >= 0 ? offset : nil
        steps = request.steps
    }

    func takeStruckLimit() -> Bool {
        defer { hasStruckLimit = false }
        return hasStruckLimit
    }

    func next() -> DocumentEvent? {
        if let event = pending {
            pending = nil
            return event
        }
        while !isFinished {
            if connection == nil, let event = start() { return event }
            guard let connection else { continue }
            guard let frame = connection.next() else {
                let end = connection.howItEnded
                self.connection = nil
                if let event = recover(end) { return event }
                continue
            }
            if let event = take(frame) { return event }
        }
        return nil
    }

    private func start() -> DocumentEvent? {
        hasEntered = false
        switch ReaderConnection.open(program, request) {
        case .success(let connection):
            self.connection = connection
            return nil
        case .failure(let failure):
            return fail(.failed(failure.reason), failure.message)
        }
    }

    private func take(_ frame: ReaderFrame) -> DocumentEvent? {
        switch frame {
        case .hello(let isLost):
            if isLost, !hasEntered {
                self.isLost = true
                connection = nil
                return leave(
                    .failed(.unreadable), "changed while it was read; what is left of it is not read")
            }
        case .enter(let steps, let address):
            guard stand(at: steps, address) else { return disown() }
            // No item is passed over twice.
            hasEntered = !request.passesOver || steps != request.steps
            failedAddress = nil
        case .note(let address): lastAddress = address
        case .event(let event, let hasStruckLimit, let place):
            if hasStruckLimit { self.hasStruckLimit = true }
            switch event {
            case .begin(let document):
                self.place = place
                open = (document.address, 0)
            case .text(let chunk): open?.textBytes += chunk.utf8.count
            case .end: open = nil
            }
            return event
        case .finished(let hasStruckLimit):
            if hasStruckLimit { self.hasStruckLimit = true }
            isFinished = true
            connection = nil
        case .retire(let steps, let address):
            guard stand(at: steps, address) else { return disown() }
            begin(at: steps, address: address, passesOver: false)
            connection = nil
        }
        return nil
    }

    /// - Returns: Whether there can be such a place.
    private func stand(at steps: [[Int]], _ address: String) -> Bool {
        guard let input = Self.input(steps, request.inputs) else { return false }
        self.steps = steps
        if addresses.count >= steps.count { addresses.removeLast(addresses.count - steps.count + 1) }
        // Of those around a place that was given, the input's is known.
        while addresses.count < steps.count - 1 {
            addresses.append(addresses.last ?? input)
        }
        addresses.append(address)
        lastAddress = address
        return true
    }

    private static func input(_ steps: [[Int]], _ inputs: [String]) -> String? {
        steps.first?.first.flatMap { inputs.indices.contains($0) ? inputs[$0] : nil }
    }

    /// A process whose memory is not in order any more.
    private func disown() -> DocumentEvent? {
        connection = nil
        return recover(.ended("memory in disorder"))
    }

    private func begin(at steps: [[Int]], address: String?, passesOver: Bool) {
        request.steps = steps
        request.address = address
        request.passesOver = passesOver
        if let standardInput { lseek(0, standardInput, SEEK_SET) }
    }

    // MARK: After an end that was none

    private func recover(_ end: ReaderConnection.Ending) -> DocumentEvent? {
        switch end {
        case .ended(let how):
            let how = how ?? "exit status 0"
            return fail(.failed(.crashed), "the process that read this ended with \(how)")
        case .silent(let seconds):
            return fail(
                .failed(.limitTime), "the process that read this gave no sign of life for \(seconds) s")
        case .tooLarge(let bytes):
            return fail(
                .failed(.limitMemory),
                "the process that read this needed more than \(bytes >> 20) MiB of memory")
        }
    }

    /// What was being read ends so; another process goes on after it.
    private func fail(_ status: ItemStatus, _ message: String) -> DocumentEvent? {
        guard hasEntered else { return leave(status, message) }
        let event = report(status, message)
        // A pipe cannot be read again.
        if Self.input(steps, request.inputs) == "-", standardInput == nil { steps = [steps[0]] }
        begin(at: steps, address: nil, passesOver: true)
        return event
    }

    /// A process came to nothing from where it began: the item around is given up. That of the last process is named
    /// already.
    private func leave(_ status: ItemStatus, _ message: String) -> DocumentEvent? {
        if steps.count > 1 {
            steps.removeLast()
            if addresses.count > steps.count { addresses.removeLast(addresses.count - steps.count) }
            lastAddress = addresses.last ?? Self.input(steps, request.inputs) ?? ""
            begin(at: steps, address: nil, passesOver: true)
            return lastAddress == failedAddress && open == nil ? nil : report(status, message)
        }
        // Not even the next input could be begun.
        let input = steps.first?.first ?? 0
        guard request.inputs.indices.contains(input) else {
            isFinished = true
            return nil
        }
        lastAddress = request.inputs[input]
        let event = lastAddress == failedAddress && open == nil ? nil : report(status, message)
        steps = [[input + 1]]
        begin(at: steps, address: nil, passesOver: false)
        if input + 1 >= request.inputs.count { isFinished = true }
        return event
    }

    private func report(_ status: ItemStatus, _ message: String) -> DocumentEvent {
        func end(_ textBytes: Int) -> DocumentEvent {
            .end(
                DocumentEnd(
                    status: status, contentDigest: "", textBytes: textBytes,
                    warnings: [TerminalText.sanitized(message)]))
        }
        if let open {
            failedAddress = open.address
            self.open = nil
            return end(open.textBytes)
        }
        // Where documents came of it already, this row stands for what is left.
        failedAddress = lastAddress
        place = nil
        pending = end(0)
        return .begin(Document(address: lastAddress, kind: .unknown))
    }
}
