"""The prompts of the Swift module Answers, written byte for byte, and the segments they are tokenized in."""
from tokenizers import Tokenizer

IM_START, IM_END, EOT = 1, 2, 0
DEFAULT_INSTRUCTION = "Which label fits the text best?"


def load_tokenizer(path):
    t = Tokenizer.from_file(path)
    t.encode_special_tokens = True  # control strings inside text stay text
    t.no_truncation()
    return t


def ids(tok, text):
    return tok.encode(text, add_special_tokens=False).ids


def label_lines(labels):
    """labels: [(name, description or None)] -> '- NAME\\n' or '- NAME: DESCRIPTION\\n' each."""
    return "".join(f"- {n}: {d}\n" if d else f"- {n}\n" for n, d in labels)


def segments(tok, labels, instruction=DEFAULT_INSTRUCTION, order="batch"):
    """Returns (prefix ids, question ids); the document's ids go between."""
    tail = [IM_END] + ids(tok, "\n") + [IM_START] + ids(tok, "assistant\nLabel:")
    if order == "batch":
        prefix = f"user\n{instruction}\n\nLabels:\n{label_lines(labels)}\nText:\n"
        return [IM_START] + ids(tok, prefix), tail
    question = f"\n\n{instruction}\n\nLabels:\n{label_lines(labels)}"[:-1]
    return [IM_START] + ids(tok, "user\nText:\n"), ids(tok, question) + tail


def answer(tok, name):
    return ids(tok, " " + name) + [IM_END]
