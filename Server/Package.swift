// swift-tools-version:6.2
import PackageDescription

// `lector serve`: a package of its own, so that Lector builds without the packages of the network.
// Built beside it: swift build -c release --package-path Server --scratch-path .build
let package = Package(
    name: "LectorServer",
    products: [.executable(name: "lector-serve", targets: ["lector-serve"])],
    dependencies: [
        .package(name: "Lector", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", exact: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: [
        .executableTarget(
            name: "lector-serve",
            dependencies: [
                .product(name: "Lector", package: "Lector"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            path: "Sources/Server",
            resources: [.embedInCode("openapi.json")])
    ],
    swiftLanguageModes: [.v6]
)
