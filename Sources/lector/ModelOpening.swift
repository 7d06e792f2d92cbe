import BundledModel
import Documents
import Inference
import Pipelines

/// The model of a command, with errors that say whose turn it is.
enum ModelOpening {
    /// - Parameter window: Instead of the model's own.
    /// - Throws: `.configuration` when there is no model, `.data` when it is damaged or is none.
    static func open(
        _ output: RunRequest.Output, window: AttentionWindow? = nil
    ) throws(PipelineError) -> LoadedModel {
        if let path = output.modelPath, !FileSystem.exists(path) {
            throw .configuration("there is no model at \(CommandSupport.clean(path))")
        }
        do {
            return try LoadedModel.open(path: output.modelPath, threads: output.threads, window: window)
        } catch {
            if error is BundledModel.NotFound { throw .configuration("\(error)") }
            throw .data(CommandSupport.clean("\(error)"))
        }
    }
}
