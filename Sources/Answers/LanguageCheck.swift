/// Tells when a text is probably in a language that the bundled model does not know.
///
/// That model read English. Two plain tests on the beginning of the text, neither of which
/// names what it cannot count: the share of letters outside the Latin script, and, in Latin
/// script, function words of other languages that outnumber the English ones. It stays silent on
/// short texts, lists and code. Measured in Tests/AnswersTests/LanguageCheckTests.swift.
public struct LanguageCheck: Sendable {
    /// Bytes of text that are looked at.
    public static let maximumBytes = 1 << 15
    /// Below this many letters, scripts are not judged.
    static let fewestLetters = 24
    /// Below this many words, languages are not judged.
    static let fewestWords = 12
    /// A share of letters that are not Latin from which on the text is called foreign.
    static let foreignLetterShare = 0.3
    /// The share of words that are function words of one other language.
    static let foreignWordShare = 0.08

    private var looked = 0
    private var latinLetters = 0
    private var otherLetters = 0
    private var words = 0
    private var english = 0
    private var foreign = [Int](repeating: 0, count: Self.languages.count)
    private var word: [UInt8] = []
    private var isWordLong = false

    public init() {}

    /// Adds text of the document, without its header lines; whole Unicode scalars.
    public mutating func append(_ utf8: some Collection<UInt8>) {
        guard looked < Self.maximumBytes else { return }
        let piece = utf8.prefix(Self.maximumBytes - looked)
        looked += piece.count
        for scalar in String(decoding: piece, as: UTF8.self).unicodeScalars { append(scalar) }
    }

    private mutating func append(_ scalar: Unicode.Scalar) {
        switch scalar.value {
        case 0x61...0x7A:
            latinLetters += 1
            push(UInt8(scalar.value))
        case 0x41...0x5A:
            latinLetters += 1
            push(UInt8(scalar.value | 0x20))
        case 0..<0x80: endWord()
        case 0xC0...0x24F, 0x1E00...0x1EFF:
            if scalar.properties.isAlphabetic { latinLetters += 1 }
            for byte in UTF8.encode(scalar.properties.lowercaseMapping.unicodeScalars.first ?? scalar)! {
                push(byte)
            }
        case 0x2019: endWord()
        default:
            if scalar.properties.isAlphabetic {
                otherLetters += 1
            } else {
                endWord()
            }
        }
    }

    private mutating func push(_ byte: UInt8) {
        if word.count < 12 { word.append(byte) } else { isWordLong = true }
    }

    private mutating func endWord() {
        guard !word.isEmpty else { return }
        words += 1
        if !isWordLong, let owners = Self.functionWords[word] {
            if owners & 1 != 0 { english += 1 }
            for index in foreign.indices where owners & (2 << UInt32(index)) != 0 { foreign[index] += 1 }
        }
        word.removeAll(keepingCapacity: true)
        isWordLong = false
    }

    /// One line for the row when the text looks foreign; ask at the text's end.
    public var warning: String? {
        var whole = self
        whole.endWord()
        return whole.judge()
    }

    private func judge() -> String? {
        let letters = latinLetters + otherLetters
        if letters >= Self.fewestLetters {
            let share = Double(otherLetters) / Double(letters)
            if share >= Self.foreignLetterShare {
                return
                    "\(Int((share * 100).rounded())) % of the letters are not Latin; the model knows English only"
            }
        }
        guard words >= Self.fewestWords, let most = foreign.max(), let index = foreign.firstIndex(of: most),
            Double(most) >= Self.foreignWordShare * Double(words), most >= 3, most > 2 * english
        else { return nil }
        return "the text reads like \(Self.languages[index].name); the model knows English only"
    }

    /// Frequent short words of languages in Latin script. Words that two lists share count for
    /// both; words that English has too are left out of the other lists.
    private static let languages: [(name: String, words: String)] = [
        (
            "German",
            "der das und nicht ist ein eine einen mit für auf dem den von zu sie wir ich es sich auch wird sind haben bitte ihr ihre im bei oder"
        ),
        (
            "French",
            "le la les des et est une un dans pour que qui nous vous votre avec sur pas plus au aux du ce cette sont par je il"
        ),
        (
            "Spanish",
            "el la los las de que y en un una por con para su se del es al lo como más pero sus le ha este sí porque"
        ),
        (
            "Italian",
            "il di che e la per un una sono con non le da si del della dei alla questo anche come ma gli nel ho più"
        ),
        (
            "Portuguese",
            "o de que e do da em um uma para com não os as se na por mais dos como mas foi ao ele das seu sua você"
        ),
        (
            "Dutch",
            "de het een en van ik te dat die niet zijn is op aan met voor er maar om hem dan zou wat mijn deze bij ook naar uw"
        ),
        (
            "Swedish",
            "och att det som en på är av för med den till inte har ett om vi du jag från kan ska din men nu"
        ),
        (
            "Danish or Norwegian",
            "og at det som en på er af av for med den til ikke har et om vi du jeg fra kan skal din men nå nu"
        ),
        (
            "Polish",
            "w na nie się i do że jest to z o jak ale po co tak za od już tylko dla przez czy oraz są pan pani"
        ),
        (
            "Czech or Slovak",
            "a se v na je že to s z do o i ve jako za by ale si po tak jsme jsem pro od nebo sa som pri"
        ),
        (
            "Turkish",
            "ve bir bu için de da ile çok ama olarak gibi daha ne var kadar sonra olan ben sen mi değil her"
        ),
        (
            "Romanian",
            "și în de la cu pe nu o că un din este sunt pentru care mai să se au fost dumneavoastră vă"
        ),
        ("Hungarian", "a az és hogy nem egy is ez meg de van el csak már mint még vagy kell ha minden után"),
        (
            "Finnish",
            "ja on ei että se hän oli mutta ovat kun niin joka myös tai jos kuin sen olen tämä mitä voi"
        ),
        ("Vietnamese", "và của là có cho không được các một những này với trong để người đã khi bạn tôi sẽ"),
        (
            "Indonesian",
            "yang dan di untuk dengan ini itu dari dalam tidak akan pada adalah juga ke saya anda kami bisa ada"
        ),
    ]

    private static let englishWords =
        "the and to of a in is that for you it with on this be are have not your we i at from will was as by or an if but "
        + "can all our has do my they so me he no what there which would their been more out about up one any when were "
        + "his who had please just how her she them its than then some other only also into over after get us new here"

    /// Bit 0 for English, bit 1 on for the other languages in their order.
    private static let functionWords: [[UInt8]: UInt32] = {
        var result: [[UInt8]: UInt32] = [:]
        for word in englishWords.split(separator: " ") { result[Array(word.utf8)] = 1 }
        for (index, language) in languages.enumerated() {
            for word in language.words.split(separator: " ") {
                let key = Array(word.utf8)
                if let owners = result[key], owners & 1 != 0 { continue }
                result[key, default: 0] |= 2 << UInt32(index)
            }
        }
        return result
    }()
}
