import Documents
import JSON
import Yams

/// A YAML file whose errors name the file and the line.
package struct YAMLDocument {
    package let path: String
    package let root: Node

    /// - Throws: `.io` when it cannot be read, `.configuration` when it is no YAML.
    package init(path: String) throws(PipelineError) {
        let bytes = try FileSystem.read(path, limit: 1 << 22)
        try self.init(path: path, text: String(decoding: bytes, as: UTF8.self))
    }

    package init(path: String, text: String) throws(PipelineError) {
        self.path = path
        let shown = TerminalText.sanitized(path)
        do {
            guard let node = try Yams.compose(yaml: text) else {
                throw PipelineError.configuration("\(shown) is empty")
            }
            root = node
        } catch let error as PipelineError {
            throw error
        } catch let error as YamlError {
            throw .configuration("\(shown): \(Self.text(error))")
        } catch {
            throw .configuration("\(shown) is no YAML")
        }
    }

    private static func text(_ error: YamlError) -> String {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            "line \(mark.line): no YAML, \(problem)"
        case .duplicatedKeysInMapping(let duplicates, let context):
            "line \(context.mark.line): `\(TerminalText.sanitized("\(duplicates.first ?? "")"))` stands there twice"
        default: "no YAML"
        }
    }

    package func error(_ node: Node?, _ message: String) -> PipelineError {
        let line = node?.mark.map { " line \($0.line):" } ?? ""
        return .configuration("\(TerminalText.sanitized(path)):\(line) \(message)")
    }

    /// What there is instead of a name that is not known: the nearest, and all of them.
    package func known(_ name: String, among names: [String]) -> String {
        let nearest = names.map { (name: $0, distance: Self.distance(name, $0)) }.min {
            $0.distance < $1.distance
        }
        let hint = nearest.flatMap {
            $0.distance <= max(2, name.count / 3) ? "did you mean `\($0.name)`? " : nil
        }
        return "\(hint ?? "")there are \(names.joined(separator: ", "))"
    }

    /// Letters to add, leave out or exchange until one name is the other.
    private static func distance(_ one: String, _ two: String) -> Int {
        let (a, b) = (Array(one.prefix(64)), Array(two))
        var row = Array(0...b.count)
        for i in a.indices {
            var diagonal = row[0]
            row[0] = i + 1
            for j in b.indices {
                let above = row[j + 1]
                row[j + 1] = a[i] == b[j] ? diagonal : 1 + min(diagonal, above, row[j])
                diagonal = above
            }
        }
        return row[b.count]
    }

    /// A node as JSON, members in file order.
    package func json(_ node: Node) throws(PipelineError) -> JSONValue {
        if node.mapping != nil {
            var members: [JSONMember] = []
            for (name, value) in try mapping(node, what: "this") {
                members.append(JSONMember(name.text, try json(value)))
            }
            return .object(members)
        }
        if let sequence = node.sequence {
            var values: [JSONValue] = []
            for value in sequence { values.append(try json(value)) }
            return .array(values)
        }
        guard let scalar = node.scalar else { throw error(node, "a value was expected") }
        guard scalar.style == .plain || scalar.style == .any else { return .string(scalar.string) }
        switch scalar.string {
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "null", "~", "": return .null
        default:
            if let value = try? JSONValue(parsing: scalar.string.utf8), case .number = value { return value }
            return .string(scalar.string)
        }
    }

    /// The members of a mapping, in file order.
    package func mapping(_ node: Node, what: String) throws(PipelineError) -> [(
        name: (text: String, node: Node), value: Node
    )] {
        guard let mapping = node.mapping else { throw error(node, "\(what) should be names with values") }
        var members: [(name: (text: String, node: Node), value: Node)] = []
        for (key, value) in mapping {
            guard let text = key.scalar?.string else { throw error(key, "a name was expected") }
            members.append(((text, key), value))
        }
        return members
    }

    package func sequence(_ node: Node, what: String) throws(PipelineError) -> [Node] {
        guard let sequence = node.sequence else { throw error(node, "\(what) should be a list") }
        return Array(sequence)
    }

    package func scalar(_ node: Node, what: String) throws(PipelineError) -> String {
        guard let scalar = node.scalar else { throw error(node, "\(what) should be a single value") }
        return scalar.string
    }

    package func integer(_ node: Node, what: String) throws(PipelineError) -> Int {
        guard let value = Int(try scalar(node, what: what)), value > 0 else {
            throw error(node, "\(what) should be a whole number above 0")
        }
        return value
    }

    package func share(_ node: Node, what: String) throws(PipelineError) -> Double {
        guard let value = Double(try scalar(node, what: what)), value >= 0, value <= 1 else {
            throw error(node, "\(what) should be a number from 0 to 1")
        }
        return value
    }

    package func bool(_ node: Node, what: String) throws(PipelineError) -> Bool {
        switch try scalar(node, what: what) {
        case "true", "yes", "on": return true
        case "false", "no", "off": return false
        default: throw error(node, "\(what) should be true or false")
        }
    }
}
