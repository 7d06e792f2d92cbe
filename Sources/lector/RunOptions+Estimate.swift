import Inference
import Pipelines

extension RunOptions {
    /// `--dry-run`: what it would cost, on standard output.
    func estimate(_ request: RunRequest) throws -> Int32 {
        StopSignal.install()
        try request.check()
        let meter = try meter(try settings())
        let model = try ModelOpening.open(request.output)
        let estimate = try RunEstimate(request, model: model, progress: meter)
        meter.clear()
        if let signal = StopSignal.received { return StopSignal.exitStatus(signal) }
        try CommandSupport.print(json ? estimate.json.text + "\n" : estimate.text)
        return 0
    }
}
