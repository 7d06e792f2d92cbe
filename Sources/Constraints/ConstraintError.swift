/// Why a constraint cannot be compiled.
public enum ConstraintError: Error, Equatable, CustomStringConvertible {
    /// Valid, but not enforceable here; nothing is dropped in silence.
    case unsupported(path: String, keyword: String, reason: String)
    /// Not a schema (or pattern) at all.
    case invalid(path: String, keyword: String, reason: String)
    /// No value fits.
    case unsatisfiable(path: String, reason: String)
    /// Larger than a limit of the compiler.
    case tooComplex(path: String, reason: String)

    /// One line fit for a terminal.
    public var description: String {
        switch self {
        case .unsupported(let path, let keyword, let reason):
            "\(place(path)): `\(keyword)` cannot be enforced: \(reason)"
        case .invalid(let path, let keyword, let reason):
            "\(place(path)): `\(keyword)` is not valid: \(reason)"
        case .unsatisfiable(let path, let reason): "\(place(path)): no value fits: \(reason)"
        case .tooComplex(let path, let reason): "\(place(path)): too complex: \(reason)"
        }
    }

    private func place(_ path: String) -> String { path.isEmpty ? "schema" : "schema at \(path)" }
}
