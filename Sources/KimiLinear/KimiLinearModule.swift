// KimiLinear: the forward pass of the Kimi-Linear architecture.
//
// Owns config, layers and `SequenceState` with its byte form. Knows ids, never text.
//
// Start at `KimiLinearModel`, then docs/decisions and the report, arXiv:2510.26692.
