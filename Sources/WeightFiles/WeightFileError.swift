/// Why weights could not be read or written.
public enum WeightFileError: Error, Equatable, CustomStringConvertible {
    /// The file is missing, no regular file, or the system refuses it.
    case unreadable(path: String, reason: String)
    /// The bytes are not of the kind that the path promises.
    case notAModel(path: String, found: String, expected: String)
    /// The file ends before the bytes that its header announces.
    case truncated(path: String, found: Int, expected: Int)
    /// The header contradicts itself or the format.
    case malformed(path: String, what: String)
    /// A packed file of a format version that this build does not know.
    case version(path: String, found: Int, expected: Int)
    /// A section, the header or the whole does not hash to what was written beside it.
    case corrupt(path: String, what: String, found: String, expected: String)
    /// A tensor that the model needs is absent.
    case missing(path: String, tensor: String)
    /// A tensor has another shape than the config asks for.
    case shape(path: String, tensor: String, found: [Int], expected: [Int])
    /// A tensor's element type is none that can be read here.
    case elementType(path: String, tensor: String, found: String)
    /// A tensor holds NaN or an infinity.
    case notFinite(path: String, tensor: String, index: Int)
    /// The config asks for something that is not implemented, or leaves out something needed.
    case config(path: String, field: String, found: String, expected: String)
    /// The file was rewritten or cut short while it was in use.
    case changed(path: String)
    /// The weights do not fit into this machine's memory.
    case memory(path: String, needed: Int, available: Int)
    /// Writing failed.
    case unwritable(path: String, reason: String)

    /// One line fit for a terminal: what was found, what was expected, what to do next.
    public var description: String {
        switch self {
        case .unreadable(let path, let reason):
            "\(path) cannot be read: \(reason). Check the path and its permissions."
        case .notAModel(let path, let found, let expected):
            "\(path) is not a model: found \(found), expected \(expected). Give a Hugging Face folder, "
                + "a GGUF, or a file that 'lector model convert' wrote."
        case .truncated(let path, let found, let expected):
            "\(path) is cut short: it has \(found) bytes, its header announces \(expected). "
                + "Copy or download it again."
        case .malformed(let path, let what):
            "\(path) has a damaged header: \(what). Copy or download it again."
        case .version(let path, let found, let expected):
            "\(path) has format version \(found), this build reads version \(expected). "
                + "Convert the original weights again with 'lector model convert'."
        case .corrupt(let path, let what, let found, let expected):
            "\(path) is damaged: \(what) hashes to \(found.prefix(12)), not \(expected.prefix(12)). "
                + "Copy or convert it again."
        case .missing(let path, let tensor):
            "\(path) lacks the tensor \(tensor). Check that config.json and the weights belong together."
        case .shape(let path, let tensor, let found, let expected):
            "\(path): \(tensor) has shape \(found), the config asks for \(expected). "
                + "Check that config.json and the weights belong together."
        case .elementType(let path, let tensor, let found):
            "\(path): \(tensor) has element type \(found), which is not read here; expected F32, F16 or BF16, "
                + "in a GGUF also Q8_0, Q4_0, Q5_0, Q4_K, Q5_K or Q6_K. Export the weights in one of these."
        case .notFinite(let path, let tensor, let index):
            "\(path): \(tensor) holds a value that is not finite, at element \(index). "
                + "The weights are unusable; export them again."
        case .config(let path, let field, let found, let expected):
            "\(path): \(field) is \(found), expected \(expected). This build does not run such a model."
        case .changed(let path):
            "\(path) was changed while it was in use. Replace model files by renaming a new one over "
                + "them, and start again."
        case .memory(let path, let needed, let available):
            "\(path) needs \(needed >> 20) MiB of memory to load, this machine has \(available >> 20). Convert it "
                + "with 'lector model convert --to q4'; the packed file is mapped, not loaded."
        case .unwritable(let path, let reason):
            "\(path) cannot be written: \(reason). Check the folder, its permissions and the free space."
        }
    }
}
