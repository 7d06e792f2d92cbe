// Tokenization: text to token ids and back, with the byte range of every token.
//
// Owns byte-level BPE (`tokenizer.json`), special tokens and chat templates. Text of a
// document never becomes a special token here.
//
// Start at `Tokenizer`.
