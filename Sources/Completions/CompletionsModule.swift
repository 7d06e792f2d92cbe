// Completions: OpenAI's chat and text completions, without the network.
//
// Owns requests (every parameter checked), the loop that reads prompts and writes texts of many
// requests at once, reuse of what was read before, and the responses' JSON. The server, `lector batch` and
// `lector chat` only carry its bytes.
//
// Start at `CompletionRequest`, then `CompletionEngine`.
