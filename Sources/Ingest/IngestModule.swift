// Ingest: bytes of unknown kind to a stream of documents, in bounded memory.
//
// Owns content sniffing, containers, mail, XML, HTML, charsets and every limit. Never
// sees a token or a model. Bad input ends as a typed status of its own item; nothing
// here throws because of what a file contains.
//
// Start at `DocumentStream`.
