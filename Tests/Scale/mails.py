"""Writes a mailbox of small mails, all different, the same for the same numbers.

    python3 Tests/Scale/mails.py 240 > mails.mbox          # 240 mails of some 25 words
    python3 Tests/Scale/mails.py 100000 --words 8 > big.mbox
    python3 Tests/Scale/mails.py 240 --text 20000 > long.txt  # one text of so many words
"""

import argparse
import random
import sys

WORDS = (
    "the of and to in meeting report draft budget invoice offer price garden train ticket winner claim prize "
    "monday friday march april please find attached regards thanks question answer account limited free "
    "order delivery parcel photo family weekend dinner project release test server backup key letter"
).split()
NAMES = "ada bela cleo dora emil finn greta hugo ines jonas".split()


def sentence(generator, count):
    return " ".join(generator.choice(WORDS) for _ in range(count)).capitalize() + "."


def mail(generator, number, words):
    sender = generator.choice(NAMES)
    lines = [sentence(generator, 8) for _ in range(max(1, words // 8))]
    return (
        f"From {sender}@made.example Mon Mar  2 09:41:30 2026\n"
        f"From: {sender}@made.example\nTo: list@made.example\nDate: Mon, 2 Mar 2026 09:41:30 +0000\n"
        f"Message-ID: <{number}@made.example>\nSubject: {sentence(generator, 4)[:-1]} {number}\n\n"
        + "\n".join(lines) + "\n\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int)
    parser.add_argument("--words", type=int, default=25)
    parser.add_argument("--text", type=int)
    options = parser.parse_args()
    generator = random.Random(9)
    if options.text:
        for _ in range(options.text // 8):
            sys.stdout.write(sentence(generator, 8) + "\n")
        return
    for number in range(1, options.count + 1):
        sys.stdout.write(mail(generator, number, options.words))


if __name__ == "__main__":
    main()
