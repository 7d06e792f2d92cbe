"""Writes Sources/Tokenization/UnicodeClasses.swift from what the `tokenizers` package does.

One command, from the repository's root:
    python Tests/TokenizationTests/Fixtures/make_unicode_classes.py
Needs tokenizers (0.23.3 made the committed table). Every Unicode scalar is asked of the two
pre-tokenizers themselves, so that the table carries their Unicode versions and not Swift's:
letter, number and white space as the byte-level expression sees them, and the scalars that
`Digits` sets apart.
"""
import tokenizers
from tokenizers.pre_tokenizers import ByteLevel, Digits

OTHER, LETTER, NUMBER, SPACE, ISOLATED = 0, 1, 2, 3, 4
byte_level = ByteLevel(add_prefix_space=False, use_regex=True)
digits = Digits(individual_digits=True)


def pieces(pre, text):
    return len(pre.pre_tokenize_str(text))


def classify(ch):
    isolated = ISOLATED if pieces(digits, "a" + ch + "a") > 1 else 0
    if pieces(byte_level, "a" + ch) == 1:
        return LETTER | isolated
    if pieces(byte_level, "1" + ch) == 1:
        return NUMBER | isolated
    if pieces(byte_level, "!" + ch) == 1:
        return OTHER | isolated
    assert pieces(byte_level, ch + ch) == 1, hex(ord(ch))
    return SPACE | isolated


def main():
    runs, last, isolated, numbers = [], None, set(), set()
    for code in range(0x110000):
        if 0xD800 <= code < 0xE000:
            continue
        c = classify(chr(code))
        if c & ISOLATED:
            isolated.add(code)
        if c & 3 == NUMBER:
            numbers.add(code)
        if c != last:
            runs.append(code << 3 | c)
            last = c
    rows = []
    for i in range(0, len(runs), 8):
        rows.append("        " + ", ".join(f"0x{r:06X}" for r in runs[i : i + 8]) + ",")
    out = f"""// Made by Tests/TokenizationTests/Fixtures/make_unicode_classes.py from the behaviour of
// tokenizers {tokenizers.__version__}; not to be edited.

/// Classes of Unicode scalars as the pre-tokenizers of Hugging Face see them.
enum UnicodeClasses {{
    /// Where a new class begins: the first scalar of a run, shifted by three, and its class in
    /// the low bits (0 other, 1 letter, 2 number, 3 white space; plus 4 where `Digits` sets
    /// the scalar apart). A run ends where the next begins.
    static let runs: [UInt32] = [
{chr(10).join(rows)}
    ]
}}
"""
    with open("Sources/Tokenization/UnicodeClasses.swift", "w", encoding="ascii") as f:
        f.write(out)
    print(len(runs), "runs;", len(isolated), "isolated;", len(numbers), "numbers; differ:",
          sorted(map(hex, isolated ^ numbers)))


main()
