// BundledModel: where the shipped weights lie.
//
// Start at `BundledModel`.
