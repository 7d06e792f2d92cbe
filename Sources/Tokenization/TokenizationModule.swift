// Tokenization: text to token ids and back, with the byte range of every token.
//
// Owns byte-level BPE (`tokenizer.json`, Kimi's `tiktoken.model`), special tokens and chat templates. Text of a
// document never becomes a special token here.
//
// Where a text is cut into calls never changes an id: `StreamingEncoder` and
// `Tokenizer.encode` share one scanner whose every decision looks a bounded way ahead.
//
// Start at `Tokenizer`.
