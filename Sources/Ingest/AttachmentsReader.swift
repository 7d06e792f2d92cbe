import Documents

/// Files that were found inside a document, each opened like any other bytes.
final class AttachmentsReader: DocumentProducer {
    private var items: ArraySlice<(name: String, bytes: () -> [UInt8])>
    private let address: String
    private let depth: Int
    private let budget: UnpackBudget?
    private var ordinal = 0
    private var names: Set<String> = []

    /// - Parameter items: Names need not be unique; addresses are.
    init(
        _ items: [(name: String, bytes: () -> [UInt8])], address: String, depth: Int, budget: UnpackBudget?
    ) {
        self.items = items[...]
        self.address = address
        self.depth = depth
        self.budget = budget
    }

    func step(_ context: StreamContext) -> Bool {
        guard let item = items.popFirst() else { return false }
        ordinal += 1
        let inner = Self.address(of: item.name, ordinal, in: address, &names)
        context.push(
            ContentOpener(
                ByteReader(MemorySource(item.bytes())), address: inner, depth: depth, isPlainFile: false,
                budget: budget, isAttachment: true))
        return true
    }

    static func address(of name: String, _ ordinal: Int, in address: String, _ names: inout Set<String>)
        -> String
    {
        let plain = name.isEmpty ? "attachment\(ordinal)" : name
        let unique = names.insert(plain).inserted ? plain : "\(ordinal):\(plain)"
        return "\(address)!/\(unique)"
    }
}
