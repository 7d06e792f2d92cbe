import Answers
import Foundation
import Inference
import Testing
import Tokenization

@Suite("Calibration of labels") struct LabelCalibrationTests {
    @Test("a label's lead on neutral texts is taken back in part; a fair prompt changes nothing")
    func correction() {
        let fair = LabelCalibration(neutral: [[0.5, 0.5], [0.25, 0.75], [0.75, 0.25]])
        let same = fair.apply(to: [0.9, 0.1])
        #expect(abs(same[0] - 0.9) < 1e-12 && abs(same[1] - 0.1) < 1e-12)

        let two = LabelCalibration(neutral: [[0.9, 0.1], [0.7, 0.3]]).apply(to: [0.6, 0.4])
        #expect(abs(two[0] / two[1] - 0.6 / 0.4 * pow(0.2 / 0.8, 0.5)) < 1e-12)

        let biased = LabelCalibration(neutral: [[0.9, 0.1, 0], [0.7, 0.3, 0]])
        let shares = biased.apply(to: [0.6, 0.4, 0])
        #expect(abs(shares[0] / shares[1] - 0.6 / 0.4 * pow(0.2 / 0.8, 2.0 / 3)) < 1e-12)
        #expect(abs(shares.reduce(0, +) - 1) < 1e-12)
        #expect(shares[2] == 0)
        // What neutral texts never get is raised by a bounded factor.
        let raised = biased.apply(to: [0.5, 0.4, 0.1])
        #expect(abs(raised[2] / raised[0] - 0.2 * pow(0.8 / 0.01, 2.0 / 3)) < 1e-9 * raised[2] / raised[0])
    }

    @Test("a classifier corrects by its own prompt, the same for every document and batch", arguments: 0..<3)
    func classifier(prompt index: Int) throws {
        let prompt = ClassifierTests.prompts[index]
        func results(_ calibrates: Bool, rows: Int, documents: [[Int32]]) throws -> [[Double]] {
            var options = Classifier.Options()
            options.rowsPerStep = rows
            options.calibrates = calibrates
            let classifier = try Classifier(model: TinyModel.shared, prompt: prompt, options: options)
            classifier.submit(documents)
            return classifier.drain().map(\.distribution)
        }
        let neutral = LabelCalibration.neutralTexts.map { TinyModel.shared.tokenizer.encode($0) }
        let calibration = LabelCalibration(neutral: try results(false, rows: 512, documents: neutral))
        let plain = try results(false, rows: 512, documents: ClassifierTests.documents)
        let corrected = try results(true, rows: 512, documents: ClassifierTests.documents)
        #expect(corrected == plain.map { calibration.apply(to: $0) })
        #expect(corrected != plain)
        #expect(try results(true, rows: 7, documents: ClassifierTests.documents) == corrected)
        #expect(try results(true, rows: 64, documents: [ClassifierTests.documents[5]]) == [corrected[5]])
    }
}
