/// The rows of a journal in the order of the input, whatever the order in which they were
/// finished.
///
/// Only the places of rows that wait for an earlier one are kept, 24 bytes each; the rows
/// themselves wait on disk.
package struct OrderedRows {
    private var waiting: [Int: Journal.Place] = [:]
    private var nextIndex: Int

    /// - Parameter first: Index of the first row.
    package init(from first: Int = 0) { nextIndex = first }

    /// Index of the row whose turn it is; from 0 on, how many have been handed on.
    package var count: Int { nextIndex }

    /// Takes the next finished row and hands on every row whose turn it is.
    package mutating func add(
        index: Int, place: Journal.Place, emit: (Journal.Place) throws -> Void
    ) rethrows {
        guard index >= nextIndex else { return }
        waiting[index] = place
        while let ready = waiting.removeValue(forKey: nextIndex) {
            try emit(ready)
            nextIndex += 1
        }
    }
}

/// Which rows are finished: a watermark and what lies beyond it.
package struct FinishedRows: Sendable {
    private var watermark = 0
    private var beyond: Set<Int> = []

    package init() {}

    package var count: Int { watermark + beyond.count }

    package func contains(_ index: Int) -> Bool { index < watermark || beyond.contains(index) }

    /// - Returns: Whether the row was not there before.
    @discardableResult
    package mutating func insert(_ index: Int) -> Bool {
        guard !contains(index) else { return false }
        beyond.insert(index)
        while beyond.remove(watermark) != nil { watermark += 1 }
        return true
    }
}
