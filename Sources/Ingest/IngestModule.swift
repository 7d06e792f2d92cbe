// Ingest: bytes of unknown kind to a stream of documents, in bounded memory.
//
// Owns content sniffing, containers, mail, XML, HTML, office documents, charsets, the programs of
// the system that read what no library here does (Tools), and every limit. Never
// sees a token or a model. Bad input ends as a typed status of its own item; nothing
// here throws because of what a file contains.
//
// A stack of `DocumentProducer`s (a list of inputs, a folder, an archive, a mailbox, a
// document) is stepped one bounded piece of work at a time; each emits events or pushes
// the producer of what it found inside. Readers take their bytes from a `ByteReader` and
// give their text to a `DocumentWriter`: neither lets the sizes of reads show, so that any
// cut of the input gives the same events.
//
// Start at `DocumentStream`, then `ContentKind` (what is it?) and `ContentOpener` (who reads it).
