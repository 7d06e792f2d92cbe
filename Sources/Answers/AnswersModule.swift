// Answers: what is asked of a text, and how the reply is read off the model.
//
// Owns prompts, label trees and their probabilities. Never opens a file.
//
// Start at `ClassificationPrompt` and `LabelTree`.
