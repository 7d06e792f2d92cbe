#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The weights that ship with Lector.
///
/// SwiftPM's `Bundle.module` keeps the absolute path of the build and stops the program when
/// it is gone; a copied binary must find its weights by itself, so the places are looked up here.
public enum BundledModel {
    /// The name of the packed weights; `tokenizer.json` lies beside them.
    public static let fileName = "model.lector"

    /// No weights in any of the places.
    public struct NotFound: Error, Equatable, CustomStringConvertible {
        public let searched: [String]

        public init(searched: [String]) { self.searched = searched }

        public var description: String {
            "no model: looked for \(searched.joined(separator: ", ")). Give --model PATH, set LECTOR_MODEL, "
                + "or put \(BundledModel.fileName) and tokenizer.json beside the binary or in ../share/lector."
        }
    }

    /// Where the weights may lie, best first: `LECTOR_MODEL` (alone, when set), the resources beside
    /// the executable, the executable's folder, `../share/lector`.
    public static func candidates(
        executable: String? = executablePath(), environment: String? = environmentModel()
    ) -> [String] {
        if let environment { return [environment] }
        guard let executable, let slash = executable.lastIndex(of: "/") else { return [] }
        let folder = String(executable[..<slash])
        return [
            "\(folder)/Lector_BundledModel.resources/Resources/\(fileName)",
            "\(folder)/Lector_BundledModel.bundle/Contents/Resources/Resources/\(fileName)",
            "\(folder)/Lector_BundledModel.bundle/Resources/\(fileName)",
            "\(folder)/\(fileName)",
            "\(folder)/../share/lector/\(fileName)",
        ]
    }

    /// The path of the packed file, or of what `LECTOR_MODEL` names.
    ///
    /// - Throws: ``NotFound`` with all places that were tried.
    public static func locate() throws(NotFound) -> String {
        let places = candidates()
        guard let found = places.first(where: { access($0, R_OK) == 0 }) else {
            throw NotFound(searched: places)
        }
        return found
    }

    /// `LECTOR_MODEL`, when it is set and not empty.
    public static func environmentModel() -> String? {
        guard let value = getenv("LECTOR_MODEL") else { return nil }
        let path = String(cString: value)
        return path.isEmpty ? nil : path
    }

    /// The running program's file, symbolic links resolved.
    public static func executablePath() -> String? {
        #if os(Linux)
            guard let path = realpath("/proc/self/exe", nil) else { return nil }
        #else
            guard let path = realpath(CommandLine.arguments.first ?? "", nil) else { return nil }
        #endif
        defer { free(path) }
        return String(cString: path)
    }
}
