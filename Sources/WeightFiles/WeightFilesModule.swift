// WeightFiles: tensors on disk, memory-mapped.
//
// Owns safetensors and Lector's packed file, their checks and the 4- and 8-bit grids.
// Knows names, shapes and bytes; never what a layer does with them.
//
// Start at `SafetensorsFile` and `PackedFile`.
