/// Why a run could not start or go on, by whose turn it is to act.
public enum PipelineError: Error, Equatable, CustomStringConvertible {
    /// The command asks for something that cannot be.
    case usage(String)
    /// An input, a results file or a run's own file is not what it should be.
    case data(String)
    /// A file could not be read or written.
    case io(String)
    /// Another process has the run; later it may go.
    case busy(String)
    /// Settings disagree with what is there.
    case configuration(String)

    /// The message, fit for a terminal.
    public var description: String {
        switch self {
        case .usage(let text), .data(let text), .io(let text), .busy(let text), .configuration(let text): text
        }
    }

    /// The exit status of sysexits.h that belongs to it.
    public var exitStatus: Int32 {
        switch self {
        case .usage: 64
        case .data: 65
        case .io: 74
        case .busy: 75
        case .configuration: 78
        }
    }
}
