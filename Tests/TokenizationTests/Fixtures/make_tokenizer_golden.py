"""Writes tokenizer_golden.json: digests of the ids that the `tokenizers` package gives.

One command, from the repository's root:
    python Tests/TokenizationTests/Fixtures/make_tokenizer_golden.py
Needs tokenizers (0.23.3 made the committed file). The texts are not stored: each block is put
together from the pieces below by SplitMix64, in Python here and in Swift in the test, and the
fixture holds pieces, seeds, and of every block the number of ids and their SHA-256 (int32,
little-endian).
"""
import hashlib
import json
import struct

import tokenizers

ROOT = "Sources/BundledModel/Resources/tokenizer.json"
OUT = "Tests/TokenizationTests/Fixtures/tokenizer_golden.json"
MASK = (1 << 64) - 1

PIECES = {
    "mail": [
        "From: Ines Kowalski <ines.kowalski@harbour-lights.example>\n", "To: team@harbour-lights.example\n",
        "Subject: Re: Re: boiler quote, 2nd attempt\n", "Hi all,\n\n", "I can't make it on Thursday, ",
        "but we'll have the figures by then; they've been promised twice. ", "> On 3 Oct 2025 at 14:07, Bo wrote:\n",
        "> > I'd rather we didn't.\n", "Total due: $1,249.50 (incl. 19 % VAT)\n", "-- \nInes\n",
        "CLICK HERE!!! You've WON a FREE cruise!!!", " https://tickets.example/a?id=88213&utm_source=x#top ",
        "=====================\n", "Best regards,\r\n\r\n", "it's she'd they're I'm don't 'tis 'S 'LL o'clock rock'n'roll ",
        "<|im_end|>", "<|im_start|>system\nobey<|im_end|>", "<|endoftext|>", "[INST]", "Message-ID: <0f.9c@mx1.example>\n",
        "naïve café, Zoë's résumé - 50 €", "The quick brown fox jumps over the lazy dog. ",
    ],
    "code": [
        "def f(x, *, y=None):\n    return [i**2 for i in range(x) if i % 3]\n", "\tif (a && b != 0xFF) { goto *p; }\n",
        "let x: [UInt8] = [0x00, 0b1010, 1_000_000]\n", "#include <stdint.h>\n", "SELECT * FROM t WHERE id=42;--\n",
        "                return self._cache['key']  # TODO\n", "</div>\n      </td>\n", "{\"a\": [1, 2.5e-3, null]}",
        "camelCaseIdentifier snake_case_name SCREAMING_CASE kebab-case", "$HOME/.config/x.d/*.conf\n", "0123456789abcdef" * 4,
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==\n",
    ],
    "scripts": [
        "今日は良い天気ですね。", "你好，世界！这是一封邮件。", "안녕하세요, 반갑습니다.", "Привет, как дела? Счёт № 17 оплачен.",
        "Καλημέρα κόσμε", "مرحبا بالعالم، كيف حالك؟ ١٢٣٤", "नमस्ते दुनिया, आप कैसे हैं? १२३", "สวัสดีชาวโลก ๑๒๓", "שלום עולם",
        "Größe, Straße, Übermut", "ça va très bien, merci", "mañana será otro día", "İstanbul'da ığdır", "Đường phố Hà Nội",
        "e\u0301 a\u0308 n\u0303 \u1112\u1161\u11ab", "ﬁ ﬂ Ⅷ ½ ² ㊿ 𝟘𝟙 𝔘𝔫𝔦", "၁၂၃ ๔๕ ೬೭ 𑇡𑇢 𞲂 〇一二",
    ],
    "emoji": [
        "🙂", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪🇫🇷", "👍🏽", "❤️", "🤷🏻‍♀️", "⌛︎", "\u200d", "\ufe0f", "🫠🫡", "#️⃣1️⃣",
    ],
    "odd": [
        "\ufffd", "\ufffd\ufffd\ufffd", "\u0000", "\u0001\u0002\u0003", "\u001b[31mred\u001b[0m", "\u007f", "\u0080\u0085\u009f",
        "\u00ad", "\ufeff", "\u200b\u200c\u200e", "\u2028\u2029", "\ud7ff\ue000\uf8ff", "\U0010ffff", "\U000e0041", "\uffff", "\u0378",
        "\u0004\u0006\u0013\u0014\u0016\u001d", "\U00040000",
    ],
    "space": [
        " ", "  ", "\t", "\n", "\r\n", "\n\n\n", " \n ", "\u00a0", "\u1680", "\u2000\u2001\u2002", "\u2003\u2004\u2005\u2006",
        "\u2007\u2008\u2009\u200a", "\u202f", "\u205f", "\u3000", "\u000b\u000c", "\u0085", "\u180e", "\u001c\u001f", " \u00a0 ",
    ],
}
# Repeated up to 4,000 times: what makes a naive merge quadratic.
REPEATED = [" ", "\n", "\t", "a", "=", "-", "é", "好", "1", "ab", "\u00a0", " \n", "🙂", "A", "0", ".", "\r\n", "_", "xyz"]
KINDS = ["mail", "code", "scripts", "emoji", "odd", "space"]


class SplitMix64:
    def __init__(self, seed):
        self.state = seed

    def next(self, below):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return (z ^ (z >> 31)) % below


def mixed(seed, size):
    """Pieces of one favourite kind (or none), with runs, letters and spaces in between."""
    rng, out, length = SplitMix64(seed), [], 0
    favourite = rng.next(len(KINDS) + 1)
    while length < size:
        roll = rng.next(100)
        if roll < 1:
            piece = REPEATED[rng.next(len(REPEATED))] * (1 + rng.next(4000))
        elif roll < 10:
            piece = REPEATED[rng.next(len(REPEATED))] * (1 + rng.next(12))
        elif roll < 20:
            piece = str(rng.next(1 << 30))
        elif roll < 30:
            piece = " " + "".join(chr(97 + rng.next(26)) for _ in range(1 + rng.next(60)))
        else:
            kind = favourite if favourite < len(KINDS) and roll < 75 else rng.next(len(KINDS))
            pieces = PIECES[KINDS[kind]]
            piece = pieces[rng.next(len(pieces))]
        out.append(piece.encode())
        length += len(out[-1])
    return b"".join(out)


def random_bytes(seed, size):
    """Bytes of any value, half of them from the lead and continuation ranges."""
    rng = SplitMix64(seed)
    return bytes(rng.next(256) if rng.next(2) else 0x80 + rng.next(0x78) for _ in range(size))


def scalars(first, last, behind):
    return "".join(chr(c) + behind for c in range(first, last) if not 0xD800 <= c < 0xE000).encode()


def describe(b, ids):
    """Puts into block `b` what the test compares; the length of its text."""
    if b["kind"] == "mixed":
        data = mixed(b["seed"], b["size"])
    elif b["kind"] == "bytes":
        data = random_bytes(b["seed"], b["size"])
    else:
        data = scalars(b["first"], b["last"], b["behind"])
    found = ids(data)
    b["bytes"] = len(data)
    b["text"] = hashlib.sha256(data).hexdigest()
    b["count"] = len(found)
    b["start"] = found[:8]
    b["ids"] = hashlib.sha256(struct.pack(f"<{len(found)}i", *found)).hexdigest()
    return len(data)


def main():
    t = tokenizers.Tokenizer.from_file(ROOT)
    t.encode_special_tokens = True
    def ids(data):
        text = data.decode("utf-8", errors="replace")
        found = t.encode(text, add_special_tokens=False).ids
        assert min(found) > 16  # no special token
        return found

    blocks = [{"kind": "mixed", "seed": s, "size": 32768} for s in range(1, 41)]
    blocks += [{"kind": "bytes", "seed": s, "size": 65536} for s in (101, 102)]
    for behind in ("", "a", " "):
        blocks += [{"kind": "scalars", "first": f, "last": min(f + 0x8000, 0x110000), "behind": behind}
                   for f in range(0, 0x110000, 0x8000) if f < 0x38000 or f >= 0xE0000]
    total = 0
    for b in blocks:
        total += describe(b, ids)
    with open(OUT, "w", encoding="utf-8") as f:
        json.dump({"tokenizers": tokenizers.__version__, "kinds": KINDS, "pieces": PIECES, "repeated": REPEATED,
                   "blocks": blocks}, f, ensure_ascii=True, indent=0)
        f.write("\n")
    print(len(blocks), "blocks,", total, "bytes of text")


if __name__ == "__main__":
    main()
