"""Probabilities of the next token by transformers' own processors and vLLM's formula for penalties.

    pip install torch transformers; python3 make_sampling_golden.py > sampling.json

Bias and penalties are numpy, in vLLM's order (mask, bias, penalties, temperature, min p, top k, top p);
temperature, min p, top k and top p are transformers' warpers, in float64.
"""

import json
import random

import numpy as np
import torch
from transformers.generation.logits_process import (
    MinPLogitsWarper,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

VOCABULARY = 70
random.seed(7)
rng = np.random.default_rng(7)
SINGLE = [
    {},
    {"temperature": 0.3},
    {"temperature": 1.7},
    {"temperature": 0.001},
    {"top_p": 0.5},
    {"top_p": 0.95},
    {"top_p": 0.01},
    {"min_p": 0.02},
    {"min_p": 0.3},
    {"min_p": 1.0},
    {"top_k": 1},
    {"top_k": 7},
    {"top_k": 70},
    {"frequency_penalty": 0.7},
    {"frequency_penalty": -1.1},
    {"presence_penalty": 1.5},
    {"presence_penalty": -0.5},
    {"logit_bias": {"3": 5, "11": -100, "69": 2.5}},
    {"mask": [0, 5, 6, 7, 31, 63, 64, 69]},
]


def combination():
    case = {}
    if random.random() < 0.7:
        case["temperature"] = round(random.uniform(0.1, 2), 3)
    if random.random() < 0.6:
        case["top_p"] = round(random.uniform(0.2, 0.99), 3)
    if random.random() < 0.5:
        case["min_p"] = round(random.uniform(0.005, 0.4), 3)
    if random.random() < 0.5:
        case["top_k"] = random.randint(2, 50)
    if random.random() < 0.6:
        case["frequency_penalty"] = round(random.uniform(-2, 2), 3)
    if random.random() < 0.6:
        case["presence_penalty"] = round(random.uniform(-2, 2), 3)
    if random.random() < 0.5:
        case["logit_bias"] = {str(t): round(random.uniform(-4, 4), 2) for t in random.sample(range(VOCABULARY), 4)}
    if random.random() < 0.4:
        case["mask"] = sorted(random.sample(range(VOCABULARY), 30))
    return case


def expected(case, logits, generated):
    x = logits.astype(np.float64).copy()
    if "mask" in case:
        outside = np.ones(VOCABULARY, bool)
        outside[case["mask"]] = False
        x[outside] = -np.inf
    for token, bias in case.get("logit_bias", {}).items():
        x[int(token)] += bias
    counts = np.bincount(generated, minlength=VOCABULARY)
    x -= counts * case.get("frequency_penalty", 0) + (counts > 0) * case.get("presence_penalty", 0)
    scores = torch.from_numpy(x)[None]
    # vLLM raises a temperature between 0 and 0.01 to 0.01.
    warpers = [TemperatureLogitsWarper(max(0.01, case.get("temperature", 1.0)))]
    if case.get("min_p", 0) > 0:
        warpers.append(MinPLogitsWarper(case["min_p"]))
    if "top_k" in case:
        warpers.append(TopKLogitsWarper(case["top_k"]))
    if case.get("top_p", 1) < 1:
        warpers.append(TopPLogitsWarper(case["top_p"]))
    for warper in warpers:
        scores = warper(None, scores)
    return torch.softmax(scores, -1)[0].numpy()


cases = []
for case in SINGLE + [combination() for _ in range(60)]:
    logits = rng.normal(0, 2.5, VOCABULARY).astype(np.float32)
    generated = [int(t) for t in rng.integers(0, 12, 25)]
    probabilities = expected(case, logits, generated)
    cases.append({
        "parameters": case,
        "logits": [float(np.float32(v)) for v in logits],
        "generated": generated,
        "probabilities": {str(i): float(p) for i, p in enumerate(probabilities) if p > 0},
    })
print("[" + ",\n".join(json.dumps(c) for c in cases) + "]")
