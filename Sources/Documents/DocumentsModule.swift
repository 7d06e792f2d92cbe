// Documents: the words for what is read: document, part, span, status.
//
// Owns the vocabulary that Ingest fills and Answers cites. Plain values, no I/O;
// knows neither file formats nor tokens.
//
// Start at `DocumentEvent`.
