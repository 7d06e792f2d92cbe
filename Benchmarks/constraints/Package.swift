// swift-tools-version:6.1
import PackageDescription

let package = Package(
    name: "constraints-benchmark",
    dependencies: [.package(name: "Lector", path: "../..")],
    targets: [
        .executableTarget(
            name: "maskbench", dependencies: [.product(name: "Lector", package: "Lector")])
    ],
    swiftLanguageModes: [.v6]
)
