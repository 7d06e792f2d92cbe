"""Writes what the tests of Kimi's tokenizer need, from what the `tiktoken` package does.

One command, from the repository's root:
    python Tests/TokenizationTests/Fixtures/make_kimi_fixtures.py [RANKS]
Needs tiktoken (0.14.0 made the committed files) and regex. Writes
- Sources/Tokenization/KimiClasses.swift: the classes of Unicode scalars in Kimi's split pattern, asked
  of tiktoken's own regex engine, so that the table carries its Unicode version;
- tiktoken.model: ranks of our own, trained here on the texts of make_tokenizer_golden.py;
- kimi_golden.json: digests of the ids that tiktoken gives with these ranks and Kimi's pattern.
With RANKS, a tiktoken file (cl100k_base, say), writes RANKS.golden.json instead, for the test
that LECTOR_TIKTOKEN_RANKS switches on.
"""
import base64
import collections
import json
import sys

import tiktoken

sys.path.insert(0, "Tests/TokenizationTests/Fixtures")
import make_tokenizer_golden as texts  # noqa: E402

HERE = "Tests/TokenizationTests/Fixtures/"
HAN = r"[\p{Han}]+"
UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]"
LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]"
SUFFIX = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
PATTERN = "|".join([
    HAN, r"[^\r\n\p{L}\p{N}]?" + UPPER + "*" + LOWER + "+" + SUFFIX,
    r"[^\r\n\p{L}\p{N}]?" + UPPER + "+" + LOWER + "*" + SUFFIX,
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"])
BYTES = {bytes([b]): b for b in range(256)}
SCALARS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]


def members(pattern):
    """All scalars that `pattern` matches: tiktoken drops what its pattern does not match."""
    e = tiktoken.Encoding("class", pat_str=pattern, mergeable_ranks=BYTES, special_tokens={})
    found = e.decode_bytes(e.encode_ordinary("".join(map(chr, SCALARS))))
    return {ord(c) for c in found.decode()}


def write_classes():
    bits = collections.Counter()
    for bit, pattern in [(1, HAN), (2, r"\p{L}+"), (4, r"\p{N}+"), (8, r"\s+"), (16, UPPER + "+"), (32, LOWER + "+")]:
        for c in members(pattern):
            bits[c] |= bit
    runs, last = [], None
    for c in range(0x110000):
        b = bits[c]
        if b != last:
            runs.append(c << 8 | b)
            last = b
    rows = ["        " + ", ".join(f"0x{r >> 16:04X}_{r & 65535:04X}" for r in runs[i:i + 7]) + ","
            for i in range(0, len(runs), 7)]
    with open("Sources/Tokenization/KimiClasses.swift", "w", encoding="ascii") as f:
        f.write(f"""// Made by Tests/TokenizationTests/Fixtures/make_kimi_fixtures.py from the behaviour of
// tiktoken {tiktoken.__version__}; not to be edited.

/// Classes of Unicode scalars in the split pattern of Kimi.
enum KimiClasses {{
    /// Where a new class begins: the first scalar of a run, shifted by eight, and its class in the low
    /// bits: 1 Han, 2 letter, 4 number, 8 white space, 16 upper or caseless (with marks, without
    /// Han), 32 lower or caseless (the same). A run ends where the next begins.
    static let runs: [UInt32] = [
{chr(10).join(rows)}
    ]
}}
""")
    print(len(runs), "runs")


def train(text, merges):
    """Byte pairs by frequency within the words of Kimi's pattern."""
    splitter = tiktoken.Encoding("split", pat_str=PATTERN, mergeable_ranks=BYTES, special_tokens={})
    words = collections.Counter()
    for line in text.decode("utf-8", "replace").split("\0"):
        # tiktoken does not show its words: cut by its own pattern through the `regex` of encode_ordinary.
        import regex
        pattern = PATTERN.replace("&&[^\\p{Han}]]", "--\\p{Han}]")
        words.update(m.group().encode() for m in regex.finditer("(?V1)" + pattern, line))
    ranks = dict(BYTES)
    words = {tuple(bytes([b]) for b in w): n for w, n in words.items()}
    while len(ranks) < 256 + merges:
        pairs = collections.Counter()
        for w, n in words.items():
            for p in zip(w, w[1:]):
                pairs[p] += n
        if not pairs:
            break
        best = max(pairs, key=lambda p: (pairs[p], p))
        token = best[0] + best[1]
        if token not in ranks:
            ranks[token] = len(ranks)
        merged = {}
        for w, n in words.items():
            out, i = [], 0
            while i < len(w):
                if w[i:i + 2] == best:
                    out.append(token)
                    i += 2
                else:
                    out.append(w[i])
                    i += 1
            merged[tuple(out)] = merged.get(tuple(out), 0) + n
        words = merged
    # Tokens that no merge reaches, and some with several ways to get there: a whole word is
    # looked up first, and ranks tell which pair merges.
    for token in ["unreachableword", "aaa", "aa", " \u4f60\u597d", "\u4f60\u597d\u4e16\u754c", "rock'n'roll",
                  "SCREAMING_CASE_AND_MORE_OF_IT", "=================="]:
        ranks.setdefault(token.encode(), len(ranks))
    return ranks


def load(path):
    with open(path, "rb") as f:
        return {base64.b64decode(t): int(r) for t, r in (line.split() for line in f if line.strip())}


def golden(ranks, out):
    e = tiktoken.Encoding("kimi", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={})
    blocks = [{"kind": "mixed", "seed": s, "size": 32768} for s in range(201, 241)]
    blocks += [{"kind": "bytes", "seed": s, "size": 65536} for s in (301, 302)]
    for behind in ("", "a", "A", "'s", " ", "\u4f60", "1", "\n"):
        blocks += [{"kind": "scalars", "first": f, "last": min(f + 0x8000, 0x110000), "behind": behind}
                   for f in range(0, 0x110000, 0x8000) if f < 0x38000 or f >= 0xE0000]
    total = 0
    for b in blocks:
        total += texts.describe(b, lambda data: e.encode_ordinary(data.decode("utf-8", errors="replace")))
    with open(out, "w", encoding="utf-8") as f:
        json.dump({"tiktoken": tiktoken.__version__, "kinds": texts.KINDS, "pieces": texts.PIECES,
                   "repeated": texts.REPEATED, "blocks": blocks}, f, ensure_ascii=True, indent=0)
        f.write("\n")
    print(out, len(blocks), "blocks,", total, "bytes of text")


def main():
    if len(sys.argv) > 1:
        return golden(load(sys.argv[1]), sys.argv[1] + ".golden.json")
    write_classes()
    ranks = train(b"".join(texts.mixed(s, 20000) for s in range(1, 5)), 700)
    with open(HERE + "tiktoken.model", "wb") as f:
        for token, rank in sorted(ranks.items(), key=lambda x: x[1]):
            f.write(base64.b64encode(token) + b" %d\n" % rank)
    golden(ranks, HERE + "kimi_golden.json")


main()
