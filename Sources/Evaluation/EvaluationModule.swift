// Evaluation: scores of rows against gold labels, and the HTML report.
//
// Start at `ClassificationScores`; `MultiLabelScores` is for rows with any number of labels.
