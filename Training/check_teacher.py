"""Checks the dequantized teacher on the CPU: loss on held-out text and greedy text.  python check_teacher.py GGUF TOKENIZER TEXT"""
import sys
import torch, torch.nn.functional as F
from model import *
from prompts import load_tokenizer, ids
torch.set_num_threads(2)
t = Teacher(sys.argv[1]).to("cpu", torch.float32)
tok = load_tokenizer(sys.argv[2])
x = ids(tok, open(sys.argv[3]).read()[:8000])[:1500]
b = Batch(x, [len(x)], "cpu")
lg = t.forward(b) @ t.demb.T
print("loss", F.cross_entropy(lg[:-1], b.tokens[1:]).item(), "tokens", len(x))
x = [1] + ids(tok, "user\nWhat is the capital of France? Tell me a little about it.") + [2] + ids(tok, "\n") + [1] + ids(tok, "assistant\n")
n0 = len(x)
for _ in range(30):
    x.append((t.forward(Batch(x, [len(x)], "cpu"))[-1] @ t.demb.T).argmax().item())
print(tok.decode(x[n0:], skip_special_tokens=False))
