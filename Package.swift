// swift-tools-version:6.1
import PackageDescription

// Targets stand in the order in which a byte travels; each may import only what
// stands above it and is named in its dependencies.
let package = Package(
    name: "Lector",
    products: [
        .library(
            name: "Lector",
            targets: [
                "JSON", "Documents", "Ingest", "Tokenization", "Inference", "Constraints", "Answers",
                "Completions", "Pipelines",
            ]),
        .executable(name: "lector", targets: ["lector"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    ],
    targets: [
        // System libraries.
        .systemLibrary(name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
        .systemLibrary(name: "CXML2", pkgConfig: "libxml-2.0", providers: [.apt(["libxml2-dev"])]),
        .systemLibrary(name: "CGMime", pkgConfig: "gmime-3.0", providers: [.apt(["libgmime-3.0-dev"])]),
        .systemLibrary(name: "CUchardet", pkgConfig: "uchardet", providers: [.apt(["libuchardet-dev"])]),
        .systemLibrary(name: "CNettle", pkgConfig: "nettle", providers: [.apt(["nettle-dev"])]),

        // Bytes to documents to tokens.
        .target(name: "JSON"),
        .target(name: "Documents"),
        .target(name: "CCRC32C"),
        .target(name: "CReader"),
        .target(name: "Digests", dependencies: ["CCRC32C", "CNettle"]),
        .target(
            name: "Ingest",
            dependencies: [
                "JSON", "Documents", "Digests", "CArchive", "CXML2", "CGMime", "CUchardet", "CReader",
            ]),
        .target(name: "Tokenization", dependencies: ["JSON", "Documents", "Digests"]),

        // Tokens to state.
        .target(name: "BundledModel", resources: [.copy("Resources")]),
        .target(name: "CThreads"),
        .target(name: "CKernels"),
        .target(name: "WeightFiles", dependencies: ["JSON", "Digests"]),
        .target(name: "KimiLinear", dependencies: ["JSON", "CKernels", "CThreads", "WeightFiles"]),
        .target(name: "Checkpoints", dependencies: ["Digests"]),
        .target(
            name: "Inference",
            dependencies: [
                "KimiLinear", "Checkpoints", "Tokenization", "WeightFiles", "Digests", "BundledModel",
            ]),

        // State to answers.
        .target(name: "Constraints", dependencies: ["JSON", "Tokenization"]),
        .target(
            name: "Answers",
            dependencies: ["JSON", "Documents", "Digests", "Tokenization", "Inference", "Constraints"]),
        .target(
            name: "Completions",
            dependencies: ["JSON", "Tokenization", "Checkpoints", "Inference", "Constraints"]),
        .target(name: "Evaluation", dependencies: ["JSON", "Documents"]),
        .target(
            name: "Pipelines",
            dependencies: [
                "JSON", "Documents", "Digests", "Ingest", "Tokenization", "Checkpoints", "Inference",
                "Constraints", "Answers",
                "Completions", "Evaluation",
                .product(name: "Yams", package: "Yams"),
                .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        .executableTarget(
            name: "lector",
            dependencies: [
                "JSON", "Documents", "Digests", "Ingest", "Tokenization", "BundledModel", "WeightFiles",
                "KimiLinear",
                "Checkpoints", "Inference", "Constraints", "Answers", "Completions", "Evaluation",
                "Pipelines",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        // Tests, one target a module.
        .testTarget(name: "JSONTests", dependencies: ["JSON"]),
        .testTarget(name: "DocumentsTests", dependencies: ["Documents"]),
        .testTarget(name: "ConstraintsTests", dependencies: ["Constraints", "JSON"]),
        .testTarget(name: "DigestsTests", dependencies: ["Digests"]),
        .testTarget(name: "KernelTests", dependencies: ["CKernels", "CThreads"], exclude: ["Fixtures"]),
        .testTarget(
            name: "IngestTests", dependencies: ["Ingest", "Documents", "Digests"],
            exclude: ["Fixtures", "Samples"]),
        .testTarget(
            name: "AnswersTests",
            dependencies: ["Answers", "Constraints", "JSON", "Documents", "Inference", "Tokenization"]),
        .testTarget(
            name: "TokenizationTests", dependencies: ["Tokenization", "Digests"], exclude: ["Fixtures"]),
        .testTarget(
            name: "WeightFilesTests", dependencies: ["WeightFiles", "JSON"], exclude: ["Fixtures"]),
        .testTarget(
            name: "KimiLinearTests", dependencies: ["KimiLinear", "WeightFiles", "JSON", "Digests"],
            exclude: ["Fixtures"]),
        .testTarget(name: "CheckpointsTests", dependencies: ["Checkpoints"], exclude: ["Fixtures"]),
        .testTarget(
            name: "InferenceTests",
            dependencies: ["Inference", "Checkpoints", "BundledModel", "Tokenization", "JSON"],
            exclude: ["Fixtures"]),
        .testTarget(
            name: "CompletionsTests", dependencies: ["Completions", "JSON", "Inference", "Tokenization"]),
        .testTarget(name: "EvaluationTests", dependencies: ["Evaluation", "JSON", "Documents", "Digests"]),
        .testTarget(name: "ExamplesTests", dependencies: ["JSON", "Documents", "Ingest"]),
        .testTarget(
            name: "PipelinesTests",
            dependencies: [
                "Pipelines", "Answers", "Inference", "Ingest", "JSON", "Documents", "Evaluation", "Digests",
                .product(name: "GRDB", package: "GRDB.swift"),
            ]),
    ],
    swiftLanguageModes: [.v6]
)
