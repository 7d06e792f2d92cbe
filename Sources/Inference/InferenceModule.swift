// Inference: an engine (weights, shared, immutable) and its sessions (one timeline each).
//
// Owns prefill of ragged batches, forks, logits and the restore of checkpoints. Knows
// token ids; prompts and answers are made elsewhere.
//
// Start at `Engine`, then `Session`.
