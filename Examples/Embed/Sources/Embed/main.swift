// Which label fits each document?    swift run -c release Embed mail.mbox letter.txt
import Answers
import Documents
import Inference
import Ingest

let labels = try LabelList([Label(name: "spam"), Label(name: "ham")])
let classifier = try Classifier(model: LoadedModel.open(), prompt: ClassificationPrompt(labels: labels))

var names: [String] = []
var texts: [String] = []
var text: [UInt8] = []
var rendering = DocumentRendering()
let stream = DocumentStream(inputs: Array(CommandLine.arguments.dropFirst()))
while let event = stream.next() {
    if case .begin(let document) = event { names.append(document.address) }
    rendering.append(event, to: &text)
    guard case .end = event else { continue }
    texts.append(String(decoding: text, as: UTF8.self))
    text = []
}

for (name, answer) in zip(names, classifier.classify(texts)) {
    print(name, labels[answer.best].name, answer.probability)
}
