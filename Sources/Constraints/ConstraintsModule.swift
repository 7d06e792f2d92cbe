// Constraints: which tokens may come next, so that what is written is what was asked for.
//
// Owns JSON Schema 2020-12, regular expressions, choices and verbatim-of-source, compiled to
// a grammar over bytes and from there to masks over a vocabulary. What cannot be enforced is
// an error that names keyword and path, never dropped. Knows no model and no document.
//
//     schema -> Schema (canonical) -> Grammar over RegexArena -> ConstraintMatcher -> TokenMask
//
// Start at `ConstraintCompiler`, then `ConstraintMatcher`.
