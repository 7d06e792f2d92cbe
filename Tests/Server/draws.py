"""Every random parameter through the server, against numpy: `python3 Tests/Server/draws.py`. Needs numpy.

The texts are up to three digits, so that all tokens that may come are in `top_logprobs`. For each parameter and all of them
together: the probabilities that the server tells after its processors are those of the formulas to 1e-6, 10,000 draws
fit them by chi-square, and the same draws do not fit the probabilities without the parameter.
"""

import concurrent.futures
import itertools
import unittest

import numpy as np

from server import Server

PROMPT = "From: mira@example.org\nSubject: invoice\n\nThe invoice has the number "
DIGITS = "0123456789"
DRAWS = 10_000
WIDTH = 125  # texts of a request


def probabilities(logits, counts, case, ids):
    """Of ten digits, in vLLM's order: bias, penalties, temperature, min p, top k, top p."""
    x = np.array(logits, np.float64)
    for digit, token in enumerate(ids):
        x[digit] += case.get("logit_bias", {}).get(str(token), 0)
    x -= counts * case.get("frequency_penalty", 0) + (counts > 0) * case.get("presence_penalty", 0)
    x /= max(0.01, case.get("temperature", 1))

    def softmax(x):
        weights = np.exp(x - x.max())
        return weights / weights.sum()

    p = softmax(x)
    x[p < case.get("min_p", 0) * p.max()] = -np.inf
    k = case.get("top_k", 0)
    if 0 < k < len(x):
        x[x < np.sort(x)[-k]] = -np.inf
    p = softmax(x)
    if case.get("top_p", 1) < 1:
        order = np.argsort(-p, kind="stable")
        before = np.cumsum(p[order]) - p[order]
        x[order[before >= case["top_p"]]] = -np.inf
    return softmax(x)


def fits(counts, expected):
    """Chi-square at p = 1e-6; cells expected less than five times are put together."""
    total = sum(counts.values())
    if any(expected.get(text, 0) == 0 for text in counts):
        return False
    cells, rest = [], [0, 0.0]
    for text, probability in expected.items():
        seen = counts.get(text, 0)
        if probability * total >= 5:
            cells.append((seen, probability * total))
        else:
            rest = [rest[0] + seen, rest[1] + probability * total]
    if rest[1] >= 1:
        cells.append(tuple(rest))
    freedom = len(cells) - 1
    if freedom == 0:
        return True
    statistic = sum((seen - wanted) ** 2 / wanted for seen, wanted in cells)
    # Wilson and Hilferty's approximation of the quantile.
    return statistic < freedom * (1 - 2 / (9 * freedom) + 4.7534 * (2 / (9 * freedom)) ** 0.5) ** 3


class Draws(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server("--log-level", "warning")
        cls.server.__enter__()
        tokenize = lambda text: cls.server.post("/tokenize", {"content": text})[1]["tokens"]
        cls.prompt = tokenize(PROMPT)
        cls.ids = [tokenize(digit)[0] for digit in DIGITS]
        cls.logits = {}
        texts = [""] + list(DIGITS) + ["".join(pair) for pair in itertools.product(DIGITS, repeat=2)]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            cls.logits = dict(zip(texts, pool.map(cls.base, texts)))

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    @classmethod
    def ask(cls, prompt, **members):
        status, answer = cls.server.complete(
            prompt, **{"structured_outputs": {"regex": "[0-9]{3}"}, "logprobs_mode": "processed", **members})
        assert status == 200, answer
        return answer["choices"]

    @classmethod
    def base(cls, text):
        """Logarithms of the probabilities of the digit that is written behind some, with no parameter.

        Those are written, too: decoding has numbers of its own (decision 16).
        """
        choice = cls.ask(
            cls.prompt, max_tokens=len(text) + 1, logprobs=20, seed=1, structured_outputs={"regex": text + "[0-9]"})[0]
        top = choice["logprobs"]["top_logprobs"][-1]
        assert sorted(top) == list(DIGITS), top
        return [top[digit] for digit in DIGITS]

    def next(self, text, case):
        counts = np.array([text.count(digit) for digit in DIGITS])
        return probabilities(self.logits[text], counts, case, self.ids)

    def exact(self, case, length):
        """Probabilities of texts."""
        found = {"": 1.0}
        for _ in range(length):
            found = {
                text + digit: share * p for text, share in found.items()
                for digit, p in zip(DIGITS, self.next(text, case)) if p > 0}
        return found

    def draw(self, case, length):
        def some(seed):
            return [choice["text"] for choice in self.ask(
                self.prompt, **case, n=WIDTH, max_tokens=length, seed=seed)]

        counts = {}
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for texts in pool.map(some, range(DRAWS // WIDTH)):
                for text in texts:
                    counts[text] = counts.get(text, 0) + 1
        self.assertEqual(sum(counts.values()), DRAWS)
        return counts

    def told(self, case, length):
        """The largest difference between what the server tells of its draws and the formulas."""
        worst = 0.0
        for choice in self.ask(self.prompt, **case, n=16, max_tokens=length, seed=5, logprobs=20):
            text = ""
            for digit, chosen, top in zip(
                choice["logprobs"]["tokens"], choice["logprobs"]["token_logprobs"], choice["logprobs"]["top_logprobs"]
            ):
                expected = dict(zip(DIGITS, self.next(text, case)))
                self.assertEqual(sorted(d for d, p in expected.items() if p > 0), sorted(top))
                worst = max([worst, abs(np.exp(chosen) - expected[digit])]
                            + [abs(np.exp(told) - expected[d]) for d, told in top.items()])
                text += digit
            self.assertEqual(len(text), length)
        return worst

    def check(self, length=1, **case):
        self.assertLess(self.told(case, 3), 1e-6)
        counts = self.draw(case, length)
        self.assertTrue(fits(counts, self.exact(case, length)), counts)
        for name in case:
            without = {key: value for key, value in case.items() if key != name}
            self.assertFalse(fits(counts, self.exact(without, length)), name)

    def biased(self):
        return {str(self.ids[3]): 1.5, str(self.ids[8]): -2, str(self.ids[1]): -100}

    def test_no_parameter(self):
        self.check()

    def test_temperature(self):
        self.check(temperature=0.4)
        self.check(temperature=1.8)

    def test_top_p(self):
        self.check(top_p=0.6)

    def test_min_p(self):
        self.check(min_p=0.3)

    def test_top_k(self):
        self.check(top_k=3)

    def test_logit_bias(self):
        self.check(logit_bias=self.biased())

    def test_frequency_penalty(self):
        self.check(2, frequency_penalty=1.5)

    def test_presence_penalty(self):
        self.check(2, presence_penalty=2)

    def test_all_together(self):
        self.check(
            2, temperature=1.6, top_p=0.85, min_p=0.1, top_k=6, frequency_penalty=-1.2, presence_penalty=-1.5,
            logit_bias=self.biased())

    def test_seed(self):
        """The same texts again, others with another seed, others every time without one."""
        draw = lambda **more: [choice["text"] for choice in self.ask(self.prompt, n=64, max_tokens=3, **more)]
        self.assertEqual(draw(seed=1), draw(seed=1))
        self.assertNotEqual(draw(seed=1), draw(seed=2))
        self.assertNotEqual(draw(), draw())


if __name__ == "__main__":
    unittest.main(verbosity=2)
