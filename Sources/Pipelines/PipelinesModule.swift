// Pipelines: runs that stop anywhere, resume anywhere and lose nothing.
//
// Owns the run folder, result formats, progress and pipeline files. Composes Ingest,
// Inference and Answers; adds no arithmetic and no parsing of its own.
//
// Start at `ClassificationRun`; how inputs are read stands in Documentation.docc/ReadingInputs.md.
