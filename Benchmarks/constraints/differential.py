"""Constraints beside llguidance, instance by instance: where one accepts what the other rejects.

    pip install llguidance
    MASKBENCH_VERDICTS=verdicts.jsonl swift run -c release maskbench VOCABULARY FOLDER
    python differential.py verdicts.jsonl FOLDER [EACH]

FOLDER is what maskbench read, and verdicts.jsonl what it said; of its schemas each EACH-th is compared (1). Instances are given to
llguidance byte by byte in the spelling that maskbench tried last. A schema that one of both refuses is counted, not compared.
Exit 1 if an instance that is marked invalid was accepted by Lector.
"""
import collections
import json
import pathlib
import sys

import llguidance


def main(verdicts, folder, each=1):
    ours = collections.defaultdict(dict)
    for line in open(verdicts):
        row = json.loads(line)
        ours[row["file"]][row["test"]] = (row["verdict"], row["spelling"])
    tokenizer = llguidance.LLTokenizer("byte")
    counts, shown, wrong = collections.Counter(), collections.Counter(), 0
    for file in sorted(ours)[:: int(each)]:
        case = json.loads((pathlib.Path(folder) / file).read_text())
        refused = -1 in ours[file]
        try:
            grammar = llguidance.LLMatcher.grammar_from_json_schema(case["schema"])
            matcher = llguidance.LLMatcher(tokenizer, grammar)
            theirs_refuse = matcher.is_error()
        except Exception:
            theirs_refuse = True
        if refused or theirs_refuse:
            counts["schemas refused by " + ("both" if refused and theirs_refuse else "Lector alone" if refused else "llguidance alone")] += 1
            continue
        counts["schemas compared"] += 1
        for number, (verdict, spelling) in ours[file].items():
            matcher = llguidance.LLMatcher(tokenizer, grammar)
            tokens = tokenizer.tokenize_bytes(spelling.encode())
            theirs = "accepted" if matcher.consume_tokens(tokens) and matcher.is_accepting() else "rejected"
            valid = "valid" if case["tests"][number].get("valid", True) else "invalid"
            key = f"{valid}: Lector {verdict}, llguidance {theirs}"
            counts[key] += 1
            wrong += valid == "invalid" and verdict == "accepted"
            if verdict != theirs and shown[key] < 8:
                shown[key] += 1
                print(f"{file} {number} {key}: {spelling[:120]}")
    for key, count in sorted(counts.items()):
        print(f"{count:7} {key}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
