import Documents
import Glibc
import Ingest
import Pipelines

/// Reads a mailbox that grows: each mail once it is complete, until a signal comes.
///
/// A mail is complete when the next one begins, or when the file ends in an empty line and has not grown for two
/// seconds. One that goes on after all is read again, and said to be. A file that became shorter or was replaced is read from its
/// start, with what was there of the last mail before.
///
/// Nothing is locked: each look begins a stream at the last mail, which a look before has read. The file is kept open, and
/// read as that, so that one that was renamed is read to its end before the one that has its name now.
final class MailboxFollower {
    private static let pauseSeconds = 2.0
    /// Of a mail that may be incomplete, with what is inside it; a longer one is taken as it comes.
    private static let heldBytes = 64 << 20

    /// The last mail of the file, with the documents inside it.
    private struct Mail {
        enum Events {
            /// Nobody was told yet.
            case held([DocumentEvent], bytes: Int)
            /// Taken as they come.
            case passing
            case taken
        }

        let place: StreamPlace
        var events = Events.held([], bytes: 0)
        /// Where it ended when it was read last.
        var end = 0
        /// Whether it was read as far as there was something.
        var isRead = false

        var isTaken: Bool { if case .taken = events { true } else { false } }
    }

    private let path: String
    private let options: IngestOptions
    private let take: (DocumentEvent) throws -> Void
    private let say: (String) -> Void
    private var descriptor: Int32 = -1
    private var mail: Mail?
    /// Mails that could not be read and were told.
    private var asides: Set<String> = []
    /// Bytes of the file that were read.
    private var size = 0
    private var lastGrowth = 0.0

    /// - Parameters:
    ///   - take: Gets the events of complete mails.
    ///   - say: Gets what happens to the file, in words.
    init(
        _ path: String, options: IngestOptions, take: @escaping (DocumentEvent) throws -> Void,
        say: @escaping (String) -> Void
    ) throws(PipelineError) {
        self.path = path
        self.options = options
        self.take = take
        self.say = say
        var info = stat()
        guard stat(path, &info) == 0 else { throw FileSystem.error("read", path) }
        guard info.st_mode & S_IFMT == S_IFREG else {
            throw .usage("--follow \(shown): a mailbox in a plain file was expected")
        }
        try open()
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    private var shown: String { CommandSupport.clean(path) }

    /// - Parameter flush: Called when everything that is complete was taken.
    /// - Returns: The signal that came.
    func run(flush: () throws -> Void) throws -> Int32 {
        var isGone = false
        while StopSignal.received == nil {
            var (here, there) = (stat(), stat())
            let isThere = stat(path, &there) == 0
            // After it, so that what came before a rename is seen.
            fstat(descriptor, &here)
            if isThere {
                isGone = false
            } else if !isGone, here.st_size == size {
                say("\(shown) is gone; waiting for another")
                isGone = true
            }
            if here.st_size < size {
                try leave("became shorter")
            } else if here.st_size > size {
                try read(upTo: Int(here.st_size))
                lastGrowth = Clock.seconds
            } else if isThere, here.st_ino != there.st_ino || here.st_dev != there.st_dev {
                try leave("was replaced")
                try open()
            } else if isWaiting, Clock.seconds - lastGrowth >= Self.pauseSeconds, endsInEmptyLine {
                try takeMail()
            }
            try flush()
            // A signal ends the sleep.
            if StopSignal.received == nil { usleep(200_000) }
        }
        var here = stat()
        if fstat(descriptor, &here) == 0, here.st_size > size { try read(upTo: Int(here.st_size)) }
        if isWaiting {
            if endsInEmptyLine {
                try takeMail()
            } else {
                say("\(CommandSupport.clean(mail!.place.item)) is not complete yet, and has no row")
            }
        }
        try flush()
        return StopSignal.received ?? SIGINT
    }

    private func open() throws(PipelineError) {
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw FileSystem.error("read", path) }
        if descriptor >= 0 { close(descriptor) }
        descriptor = file
    }

    /// Begins anew: more than there is will not come to the last mail.
    private func leave(_ what: String) throws {
        say("\(shown) \(what); it is read from its start")
        if isWaiting { try takeMail() }
        mail = nil
        asides = []
        size = 0
    }

    /// The file that is open, whatever its name is now; for the process that reads, too.
    private var source: String { "/proc/\(getpid())/fd/\(descriptor)" }

    /// Reads what is new, behind the last mail, which is read again. After a signal no other mail is begun.
    private func read(upTo size: Int) throws {
        let source = source
        let start = mail.map {
            var place = $0.place
            place.item.replacePrefix(path, by: source)
            return DocumentStream(inputs: [source], options: options, at: place, findsPlaces: true)
        }
        guard let stream = start ?? DocumentStream(inputs: [source], options: options, findsPlaces: true)
        else {
            return try leave("does not hold its last mail any more")
        }
        self.size = size
        var item = ""
        var (isAside, isNew) = (false, false)
        reading: while var event = stream.next() {
            event.rename(source, path)
            switch event {
            case .begin(let document):
                item = document.address
                var place = stream.place
                place?.item.replacePrefix(source, by: path)
                if let place, place.item == item, place.isInPlainMailbox {
                    if let mail, mail.place != place {
                        guard isWholeDivider(at: place.steps[1][0]) else { break reading }
                        try takeMail()
                        if StopSignal.received != nil {
                            return say("\(CommandSupport.clean(item)) and what comes after it have no row")
                        }
                    }
                    if mail?.place != place || mail?.isTaken == false { mail = Mail(place: place) }
                    isAside = false
                } else if document.kind == .unknown, item != path, !isInside(item) {
                    // A mail that ended the process that read it has no place; it is met again at each look.
                    try takeMail()
                    (isAside, isNew) = (true, asides.insert(item).inserted)
                } else if mail == nil {
                    return try checkBeginning(document)
                }
            case .text: break
            case .end(let end):
                guard let mail, item == mail.place.item, let source = end.source else { break }
                if mail.isTaken, mail.end != source.end {
                    say(
                        "\(CommandSupport.clean(item)) went on after its row was written; its row comes again"
                    )
                    self.mail = Mail(place: mail.place)
                    return try read(upTo: size)
                }
                self.mail!.end = source.end
            }
            if !isAside {
                try hold(event)
            } else if isNew {
                try take(event)
            }
        }
        mail?.isRead = true
        if case .passing? = mail?.events { mail!.events = .taken }
    }

    private func hold(_ event: DocumentEvent) throws {
        switch mail?.events {
        case .held(var events, var bytes):
            mail!.events = .passing  // no second copy of the array
            events.append(event)
            if case .text(let chunk) = event { bytes += chunk.utf8.count }
            if bytes <= Self.heldBytes {
                mail!.events = .held(events, bytes: bytes)
            } else {
                for event in events { try take(event) }
            }
        case .passing: try take(event)
        case .taken, nil: break
        }
    }

    private func isInside(_ item: String) -> Bool {
        guard let mail = mail?.place.item, item.hasPrefix(mail) else { return false }
        return item.utf8.dropFirst(mail.utf8.count).first.map { $0 == 0x2F || $0 == 0x21 } ?? true
    }

    private func takeMail() throws {
        if case .held(let events, _) = mail?.events {
            for event in events { try take(event) }
        }
        mail?.events = .taken
    }

    /// Whether the last mail was read, and may be complete or not.
    private var isWaiting: Bool { mail.map { $0.isRead && !$0.isTaken } ?? false }

    /// Whether the line that begins a mail was there with the one after it, which decides whether it does.
    private func isWholeDivider(at offset: Int) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = pread(descriptor, &bytes, max(0, min(bytes.count, size - offset)), off_t(offset))
        return count == bytes.count || bytes[..<max(0, count)].count { $0 == 0x0A } >= 2
    }

    private var endsInEmptyLine: Bool {
        var bytes = [UInt8](repeating: 0, count: 3)
        let count = pread(descriptor, &bytes, 3, off_t(max(0, size - 3)))
        return count == 3 && (bytes[1...] == [0x0A, 0x0A] || bytes == [0x0A, 0x0D, 0x0A])
    }

    /// Refuses a file that is no mailbox, and cannot be the beginning of one.
    private func checkBeginning(_ document: Document) throws(PipelineError) {
        var bytes = [UInt8](repeating: 0, count: 5)
        let count = max(0, pread(descriptor, &bytes, 5, 0))
        guard size < 4096, "From ".utf8.starts(with: bytes[..<count]) else {
            throw .data(
                "--follow \(shown): a mailbox in a plain file was expected, and this is "
                    + "\(document.kind.rawValue); `lector documents` without --follow reads it")
        }
    }
}

extension StreamPlace {
    /// Whether it is a mail's of a mailbox that no archive holds.
    fileprivate var isInPlainMailbox: Bool { steps.count == 2 && steps[1].count == 3 }
}

extension String {
    fileprivate mutating func replacePrefix(_ prefix: String, by other: String) {
        if hasPrefix(prefix) { self = other + dropFirst(prefix.count) }
    }
}

extension DocumentEvent {
    /// Names the input `path` wherever it is named `source`.
    fileprivate mutating func rename(_ source: String, _ path: String) {
        switch self {
        case .begin(var document):
            document.address.replacePrefix(source, by: path)
            self = .begin(document)
        case .text(var chunk):
            chunk.part.replacePrefix(source, by: path)
            for index in chunk.origins.indices {
                chunk.origins[index].container.replacePrefix(source, by: path)
            }
            self = .text(chunk)
        case .end: break
        }
    }
}
