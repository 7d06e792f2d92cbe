import Checkpoints
import Documents
import Glibc
import Inference
import JSON

/// States of documents that were begun and not finished, in the run's folder.
///
/// A state is a checkpoint named by the tokens behind it; a small file named by the row says
/// which one, and how far it stands. The row's file is replaced when the new state is safe.
final class SavedStates {
    struct Saved: Equatable {
        /// Tokens of the document, without the prompt's prefix.
        var tokens: Int
        /// Hex key of the checkpoint.
        var key: String
    }

    private let folder: String
    private let store: CheckpointStore
    private let model: LoadedModel
    private let identity: CheckpointIdentity
    private(set) var saved: [Int: Saved] = [:]

    /// Opens the folder; states of rows in `finished` and states that no row names go away.
    init(folder: String, model: LoadedModel, finished: FinishedRows) throws(PipelineError) {
        self.folder = folder
        self.model = model
        identity = model.engine.identity(tokenizerFingerprint: model.tokenizer.fingerprint)
        try FileSystem.makeFolder(folder)
        do { store = try CheckpointStore(folder: folder) } catch { throw .io(error.description) }
        for name in try FileSystem.names(in: folder) where name.hasPrefix("row-") {
            let path = folder + "/" + name
            guard let index = Int(name.dropFirst(4)), !finished.contains(index),
                let json = try? JSONValue(parsing: try FileSystem.read(path)),
                let tokens = json["tokens"]?.integer, let key = json["key"]?.string,
                FileSystem.exists("\(folder)/\(key).state")
            else {
                unlink(path)
                continue
            }
            saved[index] = Saved(tokens: tokens, key: key)
        }
        let named = Set(saved.values.map { $0.key + ".state" })
        for name in try FileSystem.names(in: folder)
        where (name.hasSuffix(".state") && !named.contains(name)) || name.hasSuffix(".part") {
            unlink(folder + "/" + name)
        }
        dropBlocks()
    }

    /// Without a window states share blocks, which go when no state names them.
    private func dropBlocks() {
        if model.engine.config.window == nil { _ = try? store.collect(budgetBytes: .max) }
    }

    /// Takes the folder away, when nothing that was set aside is in it.
    static func removeFolder(_ folder: String) {
        unlink(folder + "/lock")
        rmdir(folder)
    }

    /// Tokens that are safe in states.
    var tokens: Int { saved.values.reduce(0) { $0 + $1.tokens } }

    /// The chain that names states behind the prompt's prefix.
    func chain(prefix: [Int32]) -> TokenChain {
        TokenChain(start: CheckpointKey(identity).extended(by: prefix))
    }

    /// Saves where a document stands. When this returns, the state survives a crash.
    func save(_ session: Session, index: Int, tokens: Int, chain: TokenChain) throws(PipelineError) {
        let key = chain.key
        do { try store.save(session.checkpoint(key: key, identity: identity)) } catch {
            throw .io(error.description)
        }
        let earlier = saved[index]
        let json = JSONValue.object([
            JSONMember("tokens", .integer(tokens)), JSONMember("key", .string(key.description)),
        ])
        try AtomicFile.write(json.bytes, to: "\(folder)/row-\(index)")
        saved[index] = Saved(tokens: tokens, key: key.description)
        if let earlier, earlier.key != key.description { unlink("\(folder)/\(earlier.key).state") }
    }

    /// The session of a row that was begun earlier; nil when there is none, or when its file
    /// is damaged, which is then set aside and told in `problem`.
    func restore(_ index: Int, prefixCount: Int, problem: (String) -> Void) -> (
        session: Session, readTokens: Int
    )? {
        guard let entry = saved[index] else { return nil }
        do {
            guard let key = CheckpointKey(entry.key), let checkpoint = try store.load(key, identity: identity)
            else { throw PipelineError.data("a saved state is gone") }
            let session = try model.engine.restore(checkpoint)
            guard session.tokenCount == prefixCount + entry.tokens else {
                throw PipelineError.data("a saved state stands at another token than its row says")
            }
            return (session, entry.tokens)
        } catch {
            problem("\(error)")
            remove(index)
            return nil
        }
    }

    /// Forgets a row that is finished, or whose state cannot be used.
    func remove(_ index: Int) {
        guard let entry = saved.removeValue(forKey: index) else { return }
        unlink("\(folder)/row-\(index)")
        unlink("\(folder)/\(entry.key).state")
        dropBlocks()
    }
}
