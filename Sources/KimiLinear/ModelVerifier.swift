import CKernels
import WeightFiles

/// Checks everything that can be said about weights without running them.
public enum ModelVerifier {
    /// What a check looked at.
    public struct Report: Sendable {
        public let tensors: Int
        public let parameters: Int
        /// Names that the config does not ask for; they are ignored.
        public let unused: [String]
    }

    /// Checks sections, digest, shapes against the config, and that every value is finite.
    ///
    /// - Throws: `WeightFileError` at the first fault.
    public static func verify(
        _ file: PackedFile, progress: (Double) -> Void = { _ in }
    ) throws(WeightFileError) -> Report {
        let config = try ModelConfig(json: file.config, path: file.path)
        try file.checkSections()
        try file.checkDigest()
        let catalog = config.catalog
        var row = [Float](repeating: 0, count: catalog.map { $0.shape.last ?? 1 }.max() ?? 1)
        for (index, spec) in catalog.enumerated() {
            let (pointer, format, _) = try file.place(spec)
            if format == .vector {
                let values = UnsafeBufferPointer(
                    start: pointer.assumingMemoryBound(to: Float.self), count: spec.count)
                try check(values, file.path, spec.name, 0)
            } else {
                var matrix = ck_matrix(
                    data: pointer, N: Int64(spec.shape[0]), K: Int64(spec.shape[1]),
                    format: format.kernelFormat)
                for n in 0..<spec.shape[0] {
                    ck_unpack_row(&row, &matrix, Int64(n))
                    let k = spec.shape[1]
                    var bad: WeightFileError?
                    row.withUnsafeBufferPointer { values in
                        do throws(WeightFileError) {
                            try check(
                                UnsafeBufferPointer(rebasing: values[..<k]), file.path, spec.name, n * k)
                        } catch { bad = error }
                    }
                    if let bad { throw bad }
                }
            }
            progress(Double(index + 1) / Double(catalog.count))
        }
        let names = Set(catalog.map(\.name))
        return Report(
            tensors: catalog.count, parameters: config.parameterCount,
            unused: file.entries.map(\.name).filter { !names.contains($0) })
    }

    /// The same for a published model, which carries no digest: shapes, types, and every value.
    ///
    /// - Throws: `WeightFileError` at the first fault.
    public static func verify(
        _ model: PublishedModel, progress: (Double) -> Void = { _ in }
    ) throws(WeightFileError) -> Report {
        let catalog = model.config.catalog
        for (index, spec) in catalog.enumerated() {
            try model.tensors.forEachPiece(spec) { _, _, _ in }
            progress(Double(index + 1) / Double(catalog.count))
        }
        return Report(
            tensors: catalog.count, parameters: model.config.parameterCount,
            unused: model.tensors.unused(model.config))
    }

    private static func check(
        _ values: UnsafeBufferPointer<Float>, _ path: String, _ name: String, _ offset: Int
    ) throws(WeightFileError) {
        if let bad = values.firstIndex(where: { !$0.isFinite }) {
            throw .notFinite(path: path, tensor: name, index: offset + bad)
        }
    }
}
