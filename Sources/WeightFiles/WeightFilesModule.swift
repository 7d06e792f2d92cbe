// WeightFiles: tensors on disk. Packed files are memory-mapped; the others are read and converted.
//
// Owns safetensors, GGUF and Lector's packed file, their checks and the 4- and 8-bit grids.
// Knows names, shapes and bytes; never what a layer does with them.
//
// Start at `PackedFile`, `SafetensorsFolder` and `GGUFWeights`.
