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

    /// The signal that asked to stop, once one did.
    package static var received: Int32? {
        let signal = caught.pointee
        return signal == 0 ? nil : Int32(signal)
    }

    /// Exit status of a process that stopped for `signal`: 130 or 143.
    package static func exitStatus(_ signal: Int32) -> Int32 { 128 + signal }

    /// From now on SIGINT and SIGTERM ask first.
    package static func install() {
        _ = caught
        for signal in [SIGINT, SIGTERM] {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { number in
                if StopSignal.caught.pointee != 0 { _exit(128 + number) }
                StopSignal.caught.pointee = sig_atomic_t(number)
            }
            sigemptyset(&action.sa_mask)
            action.sa_flags = SA_RESTART
            var before = sigaction()
            sigaction(signal, &action, &before)
            // Whoever started us to go on whatever happens (nohup) is obeyed.
            if before.__sigaction_handler.sa_handler == nil { continue }
            if unsafeBitCast(before.__sigaction_handler.sa_handler, to: Int.self) == 1 {
                sigaction(signal, &before, nil)
            }
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
