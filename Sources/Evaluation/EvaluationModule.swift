// Evaluation: scores of rows against gold labels, and the HTML report.
//
// Start at `ClassificationScores`.
