import Glibc

/// The wish to stop, from Ctrl-C or `kill`: the first is noted and obeyed at the next safe
/// place, the second ends the process at once.
package enum StopSignal {
    // Written by the handler, which may do no more than that; never freed.
    private nonisolated(unsafe) static let caught: UnsafeMutablePointer<sig_atomic_t> = {
        let pointer = UnsafeMutablePointer<sig_atomic_t>.allocate(capacity: 1)
        pointer.initialize(to: 0)
        return pointer
    }()
    // Set before the handlers are there, then only read.
    private nonisolated(unsafe) static var terminationStatus = 128 + SIGTERM
    private nonisolated(unsafe) static var secondsToEnd: UInt32 = 0

    /// The signal that asked to stop, once one did.
    package static var received: Int32? {
        let signal = caught.pointee
        return signal == 0 ? nil : Int32(signal)
    }

    /// Forgets a Ctrl-C that was obeyed by less than an end; SIGTERM stays.
    package static func forgetInterrupt() {
        if caught.pointee == sig_atomic_t(SIGINT) { caught.pointee = 0 }
    }

    /// Exit status of a process that stopped for `signal`: 130, and 143 unless ``install(terminationStatus:within:)``
    /// was told otherwise.
    package static func exitStatus(_ signal: Int32) -> Int32 {
        signal == SIGTERM ? terminationStatus : 128 + signal
    }

    /// Stops this process as if `signal` had come.
    package static func request(_ signal: Int32) { kill(getpid(), signal) }

    /// From now on SIGINT and SIGTERM ask first.
    ///
    /// - Parameters:
    ///   - terminationStatus: The exit status that SIGTERM leads to.
    ///   - seconds: When SIGTERM ends the process even where nothing can be saved, as in a long step or on a disk
    ///     that does not answer; no more is lost than by kill -9. 0 waits as long as it takes.
    package static func install(terminationStatus: Int32 = 128 + SIGTERM, within seconds: UInt32 = 0) {
        _ = caught
        self.terminationStatus = terminationStatus
        secondsToEnd = seconds
        handle(SIGALRM) { _ in _exit(StopSignal.terminationStatus) }
        for signal in [SIGINT, SIGTERM] {
            handle(signal) { number in
                if StopSignal.caught.pointee != 0 { _exit(StopSignal.exitStatus(number)) }
                StopSignal.caught.pointee = sig_atomic_t(number)
                if number == SIGTERM, StopSignal.secondsToEnd > 0 { alarm(StopSignal.secondsToEnd) }
            }
        }
    }

    private static func handle(_ signal: Int32, _ handler: @escaping @convention(c) (Int32) -> Void) {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = handler
        sigemptyset(&action.sa_mask)
        action.sa_flags = SA_RESTART
        var before = sigaction()
        sigaction(signal, &action, &before)
        // Whoever started us to go on whatever happens (nohup) is obeyed.
        if before.__sigaction_handler.sa_handler == nil { return }
        if unsafeBitCast(before.__sigaction_handler.sa_handler, to: Int.self) == 1 {
            sigaction(signal, &before, nil)
        }
    }
}

/// Seconds that no clock change moves.
package enum Clock {
    package static var seconds: Double {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9
    }
}
