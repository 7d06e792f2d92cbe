import Answers

extension Classifier {
    /// Submits whole documents, each under its place in the list.
    func submit(_ documents: [[Int32]]) {
        for (item, document) in documents.enumerated() {
            begin(item)
            append(document, to: item)
            finish(item)
        }
    }

    /// Steps until nothing is left; results by item.
    func drain() -> [Classification] {
        var results: [Classification] = []
        while !isIdle { results += step().results }
        return results.sorted { $0.item < $1.item }
    }
}
