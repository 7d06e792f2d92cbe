// swift-tools-version:6.1
import PackageDescription

// How another package uses Lector as a library.
let package = Package(
    name: "Embed",
    dependencies: [.package(name: "Lector", path: "../..")],
    targets: [
        .executableTarget(name: "Embed", dependencies: [.product(name: "Lector", package: "Lector")])
    ],
    swiftLanguageModes: [.v6]
)
