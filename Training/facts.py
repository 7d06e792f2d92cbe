"""Facts in one sentence, with questions whose answers are whole phrases: the corpora of reading comprehension have answers of two words, and a
model that learned from them alone stops at `a hollow tree` where the text goes on `behind the chapel of Saint Anne`. mixture.py plants them in long texts.

    python facts.py [N]        (shows N of them)
"""
import random
import sys

from letters import FIRST, LAST, MONTHS

ADJECTIVES = "small long narrow broken grey painted empty low tall wooden iron stone dusty green white rusted square round second lower upper northern western disused whitewashed half-ruined new".split()
HOLDERS = "drawer|cupboard|trunk|barrel|basket|wardrobe|tin box|suitcase|clock case|bookcase|flower pot|chimney|cellar|shed|locker|desk|hay loft|piano stool|well|boat house|linen press|cash box|stove|violin case|tool chest|pantry".split("|")
MARKS = "church|bakery|post office|orchard|station|bridge|harbour|school|fish market|infirmary|town hall|windmill|brewery|lighthouse|sawmill|observatory|tannery|museum|guest house|pump room|customs house|printing shop".split("|")
NEAR = ["of", "behind", "next to", "opposite", "beside", "below", "in front of", "not far from", "in the yard of", "on the north side of", "on the lower floor of", "at the foot of", "on the road to", "at the back of", "on the stairs to", "under the roof of", "by the gate of"]
# What a place is told apart by, without a landmark.
SIDES = ["on the {} shore of {}", "on the {} side of the river {}", "at the {} end of {}", "in the {} part of {}", "on the {} slope of {}", "by the {} gate of {}"]
COMPASS = "north south east west upper lower far sunny inner outer".split()
THINGS = "ledger|passport|telescope|deed|necklace|letter|pistol|manuscript|compass|watch|photograph|medal|chart|receipt|violin|locket|recipe|register|bottle|portrait|candlestick|notebook|coin|testament|blueprint|brooch|snuffbox|microscope".split("|")
JOBS = "surveyor|midwife|organist|ferryman|notary|schoolmistress|bookbinder|apothecary|gardener|stationmaster|clockmaker|captain|chemist|translator|tailor|glazier|cook|engineer|archivist|piano tuner|customs officer|botanist".split("|")
KIN = "cousin|sister-in-law|godson|nephew|widow|apprentice|former partner|eldest daughter|tenant|brother|second wife|neighbour".split("|")
TOPICS = "the drainage of the fens|the price of copper|a new kind of barometer|the grammar of Basque|the habits of swifts|the treatment of scurvy|the old salt road|the stability of bridges|the tides of the estuary|the making of glass|a comet of that autumn|the law of inheritance|the diseases of vines".split("|")
REASONS = "the pilot refused to sail at night|the bank had closed its branch|nobody had paid the rent since spring|the snow had blocked the pass|his hearing was failing|the licence had run out|her brother had fallen ill|the foundations were sinking|the two partners had quarrelled over a patent|the spring had dried up|the council feared another fire|a wheel of the coach had broken|the ink had faded".split("|")
DEEDS = "gave up the journey|sold the mill|shut the school|moved to another town|cancelled the concert|left the firm|sent the ship back|took down the tower|changed the will|put off the wedding|burned the papers|went on by rail".split("|")
UNITS = "pounds of tallow|barrels of herring|sheets of copper|reams of paper|sacks of barley|yards of sailcloth|cases of port|head of cattle|tons of slate|gallons of lamp oil".split("|")
NUMBERS = "two three four five six seven eight nine eleven twelve fourteen sixteen nineteen twenty thirty forty".split()
SYLLABLES = "an bre cul dor el far gris hal ist jun kor lam mer nor ost pel quor ram sel thar ul ver wen yor zan".split()


class Facts:
    def __init__(self, rng):
        self.r = rng

    def person(self):
        r = self.r
        x = r.random()
        if x < 0.5:
            return f"{r.choice(FIRST)} {r.choice(LAST)}"
        if x < 0.75:
            return self.made()
        return f"{r.choice(['Mr', 'Mrs', 'Miss', 'Dr', 'Captain', 'Lady', 'Professor'])} {r.choice(LAST) if r.random() < 0.5 else self.made()}"

    def made(self):
        return "".join(self.r.choice(SYLLABLES) for _ in range(self.r.choice([2, 2, 3]))).capitalize()

    def place(self):
        r = self.r
        a = lambda w: ("an " if w[0] in "aeiou" else "a ") + w if r.random() < 0.6 else "the " + w
        what = r.choice(HOLDERS)
        text = a(f"{r.choice(ADJECTIVES)} {what}" if r.random() < 0.7 else what)
        x = r.random()
        if x < 0.3:
            text += " " + r.choice(SIDES).format(r.choice(COMPASS), self.made())
        elif x < 0.8:
            text += f" {r.choice(NEAR)} the {r.choice(ADJECTIVES) + ' ' if r.random() < 0.3 else ''}{r.choice(MARKS)}"
            if r.random() < 0.5:
                text += r.choice([" of ", " in ", " at ", " near "]) + self.made()
        return text

    def who(self):
        r = self.r
        x = r.random()
        if x < 0.35:
            return self.person()
        if x < 0.7:
            return f"the {r.choice(JOBS)}'s {r.choice(KIN)}" if x < 0.5 else f"{self.person()}, the {r.choice(JOBS)} of {self.made()}"
        return f"a {r.choice(['tall', 'young', 'retired', 'French', 'blind', 'lame', 'certain'])} {r.choice(JOBS)} {r.choice(['called', 'by the name of'])} {self.person()}"

    def when(self):
        r = self.r
        d, m, y = r.randint(1, 28), r.choice(MONTHS), r.randint(1740, 2024)
        return r.choice([f"on the {r.choice(['morning', 'evening', 'night'])} of {d} {m} {y}", f"on {d} {m} {y}", f"in the {r.choice(['spring', 'summer', 'autumn', 'winter'])} of {y}", f"on the {r.choice(['first', 'second', 'third', 'last'])} {r.choice(['Monday', 'Tuesday', 'Friday', 'Sunday'])} of {m}",
                         f"{r.choice(NUMBERS)} {r.choice(['days', 'weeks', 'years'])} after the {r.choice(['flood', 'trial', 'wedding', 'fire', 'harvest', 'siege'])}", f"at {r.choice(['half past', 'a quarter to', 'ten minutes past'])} {r.choice(NUMBERS[:10])}"])

    def much(self):
        r = self.r
        return r.choice([f"{r.choice(NUMBERS)} {r.choice(['pounds', 'crowns', 'guineas', 'francs', 'marks', 'dollars'])} {r.choice(['and four shillings', 'a quarter', 'a year', 'in gold', 'for each child', 'and a half'])}", f"{r.choice(NUMBERS)} {r.choice(UNITS)}", f"{r.randint(2, 980)},{r.randint(0, 999):03} {r.choice(['pounds', 'euros', 'dollars', 'kronor'])}", f"{r.choice(NUMBERS)} hundred {r.choice(UNITS)}"])

    def address(self):
        r = self.r
        return f"{r.randint(2, 180)} {r.choice(LAST)} {r.choice(['Street', 'Road', 'Lane', 'Terrace'])}" + r.choice(["", f" in {self.made()}"])

    def one(self):
        """(sentence, [(question, answer as it stands in the sentence)])."""
        r, p, q, t = self.r, self.person(), self.person(), self.r.choice(THINGS)
        where, when, who, much, why, did, topic = self.place(), self.when(), self.who(), self.much(), r.choice(REASONS), r.choice(DEEDS), r.choice(TOPICS)
        # A time behind a comma or none: without one the phrase in front of it would seem to end at any `on` and `in`.
        some = lambda s: s if r.random() < 0.35 else ""
        before = r.choice(["", "", "It is known that ", "As the record says, ", "Later it came out that ", "Few people knew that ", "According to the letters "])
        sentence, asked = r.choice([
            lambda: (f"the {t} of {p} {(v := r.choice(['lies', 'was found', 'was put away', 'stood for years', 'is kept']))} in {where}{some(', ' + when)}.", [(r.choice([f"Where is the {t} of {p}?", f"Where was the {t} of {p} kept?", f"In what place would one find the {t} of {p}?"]), where)]),
            lambda: (f"{who} {r.choice(['stole', 'bought', 'found', 'inherited', 'copied', 'mended'])} the {t} that had belonged to {p}{some(', ' + when)}.", [(f"Who had to do with the {t} that had belonged to {p}?", who), (f"Whose was the {t}, before {who.split(',')[0]} had it?", p)][: 1 if r.random() < 0.7 else 2]),
            lambda: (f"{p} {did} because {why}.", [(r.choice([f"Why was it that {p} {did}?", f"For what reason is it said that {p} {did}?"]), why), (f"What did {p} do because {why}?", did)][: r.choice([1, 1, 2])]),
            lambda: (f"{p} {did} {when}{some(', because ' + why)}.", [(f"When was it that {p} {did}?", when)]),
            lambda: (f"{p} {r.choice(['paid', 'promised', 'owed', 'left', 'lent'])} {q} {much}{some(', ' + when)}.", [(r.choice([f"How much did {q} have from {p}?", f"What passed from {p} to {q}?", f"How much was it between {p} and {q}?"]), much)]),
            lambda: (f"{p} spoke {r.choice(['for an hour', 'before the society', 'at length', ''])} about {topic}{some(', ' + when)}.".replace("  ", " "), [(f"What did {p} speak about?", topic)]),
            lambda: (f"{p} married {who}{some(', ' + when)}.", [(r.choice([f"Whom did {p} marry?", f"Who was it that {p} married?"]), who)]),
            lambda: (f"{p} lodged {r.choice(['for a year', 'that winter', 'as a student'])} with {who} in {(town := self.made())}.", [(f"With whom did {p} lodge?", who), (f"In which town did {p} lodge?", town)][: r.choice([1, 2])]),
            lambda: (f"the house of {p} at {(a := self.address())} was sold to {who} for {much}.", [(f"At which address was the house of {p}?", a), (f"Who bought the house of {p}?", who), (f"What did the house of {p} cost?", much)]),
            lambda: (f"the password of the {r.choice(MARKS)} club in {(town := self.made())} is {(w := f'{r.choice(ADJECTIVES)} {r.choice(THINGS)} {r.choice(NUMBERS)}')}.", [(f"What is the password of the club in {town}?", w)]),
            lambda: (f"{p}'s last words were: \"{(w := r.choice(['Look after', 'Do not sell', 'Give Anna', 'Remember', 'Burn', 'Somebody has moved']) + f' the {r.choice(ADJECTIVES)} {t}' + r.choice(['', ' in the hall', ' before Easter', ', please']))}.\"", [(f"What were the last words of {p}?", w)]),
            lambda: (f"the ship {(s := self.made())} carried {much} and {r.choice(NUMBERS)} passengers from {(a := self.made())} to {(b := self.made())}{some(', ' + when)}.", [(f"What did the ship {s} carry, besides passengers?", much), (f"Where did the {s} come from?", a), (f"Where was the {s} bound for?", b)]),
        ])()
        sentence = before + sentence if before else sentence[:1].upper() + sentence[1:]
        asked = [(x, a[:1].upper() + a[1:] if sentence.startswith(a[:1].upper() + a[1:]) else a) for x, a in asked]
        return sentence, [(x, a) for x, a in asked if a in sentence]


if __name__ == "__main__":
    made = Facts(random.Random(1))
    for _ in range(int((sys.argv[1:] or [10])[0])):
        print(*made.one(), sep="\n", end="\n\n")
