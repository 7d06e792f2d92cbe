// Checkpoints: session states on disk, found by the tokens they stand for.
//
// Owns the file layout, the digest and crash safety. Payloads are opaque bytes: this
// module knows nothing of layers, tokenizers or documents.
// Invariant: a file under its final name is complete and never changes.
//
// Start at `CheckpointStore`.
