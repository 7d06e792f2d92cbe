// Answers: what is asked of a text, and how the reply is read off the model.
//
// Owns prompts, label trees and their probabilities, and the batch that scores many
// documents at once. Never opens a file; never parses generated text.
//
// Start at `ClassificationPrompt` and `LabelTree`, then `Classifier`.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// e to the power of `x`, by libm.
func exponential(_ x: Double) -> Double { exp(x) }

/// The natural logarithm, by libm.
func logarithm(_ x: Double) -> Double { log(x) }
