/// Header fields that are longer than anyone reads: GMime would keep several copies of each.
enum LongFields {
    /// Takes out of the message's own header what its fields have beyond `limit` bytes each.
    ///
    /// - Returns: How many bytes are gone, all of them before the body, and how long the longest field was.
    static func cut(_ message: inout [UInt8], limit: Int) -> (removed: Int, longest: Int) {
        if message.count <= limit { return (0, 0) }
        var excess: [Range<Int>] = []
        var longest = 0
        message.withUnsafeBytes { bytes in
            var position = 0
            var start = 0
            /// The bytes of the field without the end of its last line.
            func close(at end: Int) {
                guard end - start > limit else { return }
                longest = max(longest, end - start)
                // No line may end here: with the end of the field's last one it would end the header.
                var cut = start + limit
                while cut > start, bytes[cut - 1] == 0x0A || bytes[cut - 1] == 0x0D { cut -= 1 }
                excess.append(cut..<end)
            }
            var end = 0
            while position < bytes.count {
                let next = bytes.firstOffset(of: 0x0A, from: position) ?? bytes.count
                let lineEnd = next > position && bytes[next - 1] == 0x0D ? next - 1 : next
                let line = bytes.slice(position..<lineEnd)
                let isContinued = position > 0 && (line.first == 0x20 || line.first == 0x09)
                if !isContinued {
                    close(at: end)
                    // The header ends here, or was none: a long line of a text is not to be cut.
                    guard ContentKind.headerNameLength(line) != nil else { return }
                    start = position
                }
                end = lineEnd
                position = next + 1
            }
            close(at: end)
        }
        for range in excess.reversed() { message.removeSubrange(range) }
        return (excess.reduce(0) { $0 + $1.count }, longest)
    }
}
