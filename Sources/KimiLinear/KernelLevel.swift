import CKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The arithmetic level that a model runs on.
public struct KernelLevel: @unchecked Sendable {
    public let name: String
    let table: UnsafePointer<ck_kernels>

    /// A name of a level that this CPU cannot run or this build does not have.
    public struct Unavailable: Error, Equatable, CustomStringConvertible {
        public let name: String
        public let available: [String]
        public var description: String {
            "kernel level '\(name)' cannot run here; available: \(available.joined(separator: ", ")). "
                + "Unset LECTOR_KERNELS to take the fastest."
        }
    }

    /// The level called `name`; nil asks `LECTOR_KERNELS`, and without that takes the fastest.
    public init(named name: String? = nil) throws(Unavailable) {
        let environment = getenv("LECTOR_KERNELS").map { String(cString: $0) }
        let wanted = name ?? (environment?.isEmpty == false ? environment : nil)
        guard let table = ck_kernels_get(wanted) else {
            throw Unavailable(name: wanted ?? "", available: Self.available)
        }
        self.table = table
        self.name = String(cString: table.pointee.name)
    }

    /// Levels of this build that this CPU can run, plainest first.
    public static var available: [String] {
        (0..<ck_level_count()).filter { ck_level_available($0) }.compactMap {
            ck_level_name($0).map { String(cString: $0) }
        }
    }
}
