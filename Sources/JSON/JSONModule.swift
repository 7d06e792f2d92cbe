// JSON: values whose objects keep their order and whose numbers keep their digits.
//
// Owns reading (RFC 8259, strict) and writing (one line, the same bytes every time) for
// every file and row of Lector. Foundation's coders are not used: they reorder members,
// reprint numbers, and weigh 7 MB in a static binary.
//
// Start at `JSONValue`.
