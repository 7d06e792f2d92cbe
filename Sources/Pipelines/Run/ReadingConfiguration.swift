import Ingest
import JSON

/// How the inputs of a run are read, as far as it decides which documents there are: a part of what the run is.
///
/// Of passwords it is known only that there were some: neither they nor a digest of them is kept.
package struct ReadingConfiguration: Sendable, Equatable {
    private let options: IngestOptions
    package let usesPasswords: Bool

    package init(_ options: IngestOptions = .init()) {
        self.init(options, usesPasswords: !options.passwords.isEmpty)
    }

    private init(_ options: IngestOptions, usesPasswords: Bool) {
        var options = options
        options.passwords = []
        self.options = options
        self.usesPasswords = usesPasswords
    }

    /// To read as the run did, with passwords that were given again.
    ///
    /// - Throws: `.configuration` when the run needs passwords and there are none.
    package func options(passwords: [String]) throws(PipelineError) -> IngestOptions {
        if usesPasswords, passwords.isEmpty {
            throw .configuration(
                "the run was begun with passwords, which are kept nowhere, and none is given now. Give them again: "
                    + "--password-file FILE, or LECTOR_PASSWORD in the environment")
        }
        if !usesPasswords, !passwords.isEmpty {
            throw .configuration(
                "the run was begun without passwords, and some are given now. Leave them away (--password, "
                    + "--password-file, LECTOR_PASSWORD), or begin another run with them")
        }
        var options = options
        options.passwords = passwords
        return options
    }

    /// What differs from the defaults, by the names of the flags; nil when nothing does, as in manifests of before.
    package var json: JSONValue? {
        var members = ReadingKey.all.compactMap { key in
            key.json(in: options).map { JSONMember(key.name, $0) }
        }
        if usesPasswords { members.append(JSONMember("passwords", .bool(true))) }
        return members.isEmpty ? nil : .object(members)
    }

    /// - Returns: Nil for a setting that is not known: who reads on without it would see other documents.
    package init?(json: JSONValue?) {
        guard let json else {
            self.init()
            return
        }
        guard let members = json.members else { return nil }
        var options = IngestOptions()
        var usesPasswords = false
        for member in members {
            if member.name == "passwords" {
                usesPasswords = member.value.bool ?? false
            } else {
                guard let key = ReadingKey.all.first(where: { $0.name == member.name }),
                    key.set(member.value, in: &options)
                else { return nil }
            }
        }
        self.init(options, usesPasswords: usesPasswords)
    }

    /// The first difference in words; nil when the same documents are read.
    package func difference(from earlier: ReadingConfiguration) -> String? {
        for key in ReadingKey.all {
            guard key.json(in: options) != key.json(in: earlier.options) else { continue }
            return "--\(key.name) was \(key.shown(in: earlier.options)), and is now \(key.shown(in: options))"
        }
        guard usesPasswords != earlier.usesPasswords else { return nil }
        return earlier.usesPasswords
            ? "it was begun with passwords, and none is given now (--password-file, LECTOR_PASSWORD)"
            : "it was begun without passwords, and some are given now"
    }
}
