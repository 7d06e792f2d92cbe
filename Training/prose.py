"""Questions about sentences of running prose, made by rule: who did it, what did they take, where, how many, why, who said it.
The answers are stretches of the sentence; mixture.py asks them of long texts where the sentences stand anyway.

    python prose.py FILE.jsonl.xz [N]        (shows N of them)
"""
import json
import lzma
import random
import re
import sys

# Past tenses that do not end in -ed, and verbs whose form must be known.
IRREGULAR = dict(
    x.split("/") for x in
    "took/take found/find bought/buy saw/see wore/wear gave/give held/hold wrote/write made/make lost/lose kept/keep left/leave brought/bring sent/send drew/draw "
    "threw/throw knew/know heard/hear met/meet told/tell sold/sell spent/spend chose/choose broke/break caught/catch stole/steal built/build won/win paid/pay read/read "
    "ate/eat drank/drink drove/drive rode/ride shook/shake forgot/forget understood/understand sat/sit stood/stand went/go came/come lay/lie slept/sleep ran/run fell/fall "
    "grew/grow rose/rise lived/live died/die arrived/arrive returned/return moved/move used/use placed/place closed/close proposed/propose received/receive refused/refuse "
    "described/describe produced/produce introduced/introduce noticed/notice seized/seize raised/raise smoked/smoke married/marry carried/carry tried/try studied/study "
    "loved/love hated/hate liked/like believed/believe saved/save served/serve reached/reach wanted/want needed/need asked/ask opened/open turned/turn crossed/cross "
    "entered/enter visited/visit followed/follow showed/show picked/pick dropped/drop planned/plan stopped/stop began/begin thought/think felt/feel spoke/speak led/lead "
    "taught/teach shot/shoot swore/swear bit/bite hid/hide laid/lay sang/sing struck/strike wound/wind owned/own required/require examined/examine discovered/discover "
    "measured/measure observed/observe developed/develop established/establish published/publish worked/work walked/walk looked/look pulled/pull pushed/push "
    "called/call killed/kill helped/help passed/pass played/play offered/offer ordered/order expected/expect".split())
VERB = "|".join(sorted(IRREGULAR, key=len, reverse=True))
TITLE = r"(?:(?:Mr|Mrs|Miss|Dr|Sir|Lady|Lord|Captain|Colonel|Major|Uncle|Aunt|Professor|King|Queen|Father|Madame|Prince|Princess)\.? )"
NAME = rf"(?:{TITLE}[A-Z][a-z]+(?: [A-Z][a-z]+)?|[A-Z][a-z]{{2,}}(?: [A-Z][a-z]+)?)"
NO_NAME = set("The This That These Those Then There Here When Where While What Which Who Why How And But For Not Now Nor One Two Some Any All Each His Her Its Our Your Their She They You Yet Yes Nothing "
              "Nobody Everybody Everyone Everything Something Someone Somebody Perhaps After Before Such Never Only Even Still Once Both Many Most Much Another Other Others With From Into Upon Though "
              "Although Because Since Until Again Thus Soon Chapter Indeed Well Having Being Several Few Half People Men Women Nevertheless However Figure Table Let See Often Later Just "
              "Every Neither Either Sometimes Presently Suddenly Finally Meanwhile Instead Also First Second Last Next Dear Poor Old Good God Heaven Was Were Had Did Does Are Could Would Should May Might".split())
OBJECT = r"(?:a|an|the|his|her|their|some|two|three|four|five|six|seven|eight|nine|ten|a dozen|twenty) (?:[a-z][a-z'-]*(?:, )? ?){1,5}?"
STOP = r"(?= (?:of|from|in|into|on|upon|at|with|to|for|and|but|by|that|which|who|when|while|as|because|before|after|over|under|through|off|out|up|down|was|were|is|had)\b|[.,;:!?—])"
PLACE = r"(?:in|at|on|near|under|behind|beside|between|opposite|above|below|outside|inside|across|along|beneath|round|through) (?:(?:a|an|the|his|her|their|my) )?(?:[A-Za-z][a-z'-]* ?){1,4}?"
COLOUR = r"(?:dark |light |pale |bright |deep )?(?:red|blue|green|black|white|grey|gray|brown|yellow|golden|purple|scarlet|crimson|pink|silver)"
SIGHT = r"(?:hair|eyes|dress|coat|hat|face|beard|gown|cloak|scarf|walls|curtains|gloves|boots|jacket|skirt|horse|ribbon|cap|sky|shawl)"
NUMBER = r"(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|eighteen|twenty|thirty|forty|fifty|sixty|a hundred|[1-9][0-9]{1,3})(?:[- ](?:two|three|four|five|six|seven|eight|nine|hundred|thousand))?"
TIME = r"(?:on (?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)(?: (?:morning|evening|night|afternoon))?|in (?:January|February|March|April|May|June|July|August|September|October|November|December)(?:,? 1\d{3})?|in 1\d{3}|at (?:midnight|noon|daybreak|dawn|sunset|" \
       r"(?:half-past |a quarter past )?(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)(?: o'clock)?(?: in the (?:morning|evening|afternoon))?)|(?:the next|the following|that same|that|next) (?:morning|evening|day|night|afternoon))"

# (pattern, questions): the groups are s (subject), v (verb), o, p and so on; "a" is the answer.
RULES = [(re.compile(p), q) for p, q in [
    (rf"(?P<a>{NAME}) (?P<v>{VERB}) (?P<o>[^.!?;\"“”]{{12,90}}?)(?=[.,;])", ["Who {v} {o}?"]),
    (rf"(?P<a>{NAME}) (?P<v>was|had been|became) (?P<o>(?:a|an|the|his|her) [^.!?;,\"“”]{{4,60}})(?=[.,;])", ["Who {v} {o}?"]),
    (rf"(?P<s>{NAME}|[Tt]he [a-z]+(?: [a-z]+)?|[Hh]e|[Ss]he) (?P<v>{VERB}) (?P<a>{OBJECT}){STOP}(?P<o> ?[^.!?;,\"“”]{{0,60}})", ["What did {s} {b}{o}?", "What did {s} {b}?"]),
    (rf"(?P<s>{NAME}|[Tt]he [a-z]+(?: [a-z]+)?|[Hh]e|[Ss]he) (?P<v>{VERB})(?P<o>(?: [a-z'-]+){{0,4}}?) (?P<a>{PLACE})(?=[.,;!?]| (?:and|but|when|where|which|that|with|as)\b)", ["Where did {s} {b}{o}?"]),
    (rf"(?P<s>{NAME}|[Tt]he [a-z]+(?: [a-z]+)?) (?P<v>was|were|lay|stood|sat|lived)(?P<o>(?: [a-z'-]+){{0,3}}?) (?P<a>{PLACE})(?=[.,;!?]| (?:and|but|when|where|which|that|with|as)\b)", ["Where {w} {s}{o}?"]),
    (rf"(?P<s>{NAME}|[Tt]he [a-z]+(?: [a-z]+)?|[Hh]e|[Ss]he) (?P<v>was|were|{VERB})(?P<o>(?: [a-z'-]+){{0,6}}?) (?P<a>{TIME})\b", ["When {w} {s}{o}?", "When did {s} {b}{o}?"]),
    (rf"(?P<s>{NAME}|[Tt]he [a-z]+|[Hh]e|[Ss]he) (?P<v>had|{VERB}) (?P<a>{NUMBER}) (?P<n>(?:[a-z]+ )?[a-z]+s)\b", ["How many {n} did {s} {b}?"]),
    (rf"(?P<a>{NUMBER}) (?P<n>[a-z]+s) (?P<v>were|stood|came|died|lived|went|sat) (?P<o>[^.!?;,\"“”]{{4,50}})(?=[.,;])", ["How many {n} {v} {o}?"]),
    (rf"(?P<s>{NAME}|[Tt]he [a-z]+(?: [a-z]+)?|[Hh]e|[Ss]he) (?P<v>was|were) (?P<o>[a-z][^.!?;,\"“”]{{4,50}}?),? because (?P<a>[^.!?;\"“”]{{10,90}})(?=[.;!?])", ["Why {w} {s} {o}?"]),
    (rf"(?P<s>{NAME}|[Tt]he [a-z]+(?: [a-z]+)?|[Hh]e|[Ss]he) (?P<v>{VERB})(?P<o> [a-z][^.!?;,\"“”]{{4,60}}?),? because (?P<a>[^.!?;\"“”]{{10,90}})(?=[.;!?])", ["Why did {s} {b}{o}?"]),
    (rf"[\"“](?P<o>[A-Z][^\"“”]{{15,110}}?)[,.!?][\"”] (?:said|cried|asked|replied|answered|exclaimed|whispered|muttered|returned|observed|remarked|murmured) (?P<a>{NAME}|the [a-z]+(?: [a-z]+)?)(?=[.,;])", ["Who said \"{o}\"?", "Who says: {o}?"]),
    (rf"(?P<s>{NAME}(?:'s)|[Hh]is|[Hh]er|[Tt]he [a-z]+'s) (?P<n>{SIGHT}) (?P<v>was|were) (?:[a-z]+ )?(?P<a>{COLOUR})\b", ["What colour {v} {s} {n}?"]),
    (rf"\b(?P<s>his|her|the|an?) (?P<a>{COLOUR}) (?P<n>(?:[a-z]+ )?{SIGHT})\b", ["Which colour is named of {t} {n}?", "What is the colour of the {n}?"]),
    (rf"(?P<s>{NAME}|[Tt]he [a-z]+(?: [a-z]+)?) (?:was|is) (?:called|named|known as) (?P<a>[\"“]?[A-Z][A-Za-z' -]{{2,40}}?)(?=[.,;\"”]| (?:and|by|in|on|because|who|which|for)\b)", ["What was {s} called?", "What is the name of {s}?"]),
    (rf"(?P<a>{NAME}), (?P<o>(?:the|his|her|a|an) [a-z][^.!?;,\"“”]{{5,50}}),", ["Who is {o}?", "What is the name of {o}?"]),
    (rf"(?P<s>{NAME}), (?P<a>(?:the|his|her|a|an) [a-z][^.!?;,\"“”]{{5,50}}),", ["Who is {s}?", "What is {s}?"]),
]]


PRONOUNS = set("He She It I We You They Him Her His Them Us Me him her me us them you it that this which himself herself themselves".split())
CONJUNCTIONS = set("and but or which that who whom when while as than if so".split())


def subject(s):
    return s[0].lower() + s[1:] if s.split(" ")[0] in ("The", "He", "She", "His", "Her") else s


def questions(text, rng, limit=3):
    """[(question, answer, begin of the answer)] about a stretch of prose, at most `limit`, of rules drawn at random."""
    out = []
    for pattern, asks in rng.sample(RULES, len(RULES)):
        found = [m for m in pattern.finditer(text) if not any(m.group(g).split(" ")[0] in NO_NAME for g in ("a", "s") if g in m.re.groupindex and m.group(g)[0].isupper() and m.group(g).split(" ")[0] not in ("The", "He", "She", "His", "Her"))]
        if not found:
            continue
        m = rng.choice(found)
        g = m.groupdict()
        if g["a"] in PRONOUNS or g["a"].split(" ")[-1].lower() in PRONOUNS:
            continue
        if (g.get("o") or "").strip().split(" ")[0] in CONJUNCTIONS:
            g["o"] = ""
        v = g.get("v") or ""
        g["b"] = {"had": "have"}.get(v) or IRREGULAR.get(v) or ("be" if v in ("was", "were") else v)
        ask = rng.choice(asks)
        if "{w}" in ask and v not in ("was", "were"):
            if v not in IRREGULAR and v not in ("lay", "stood", "sat", "lived"):
                continue
            ask = ask.replace("{w}", "did").replace("{s}", "{s} {b}", 1)
        elif "{b}" in ask and v in ("was", "were"):
            ask = ask.replace("did", "{v}").replace(" {b}", "")
        g["w"], g["t"] = v, "the" if (g.get("s") or "").lower() in ("a", "an") else g.get("s")
        if g.get("s"):
            g["s"] = subject(g["s"])
        q = " ".join(ask.format(**{k: x or "" for k, x in g.items()}).split()).replace(" ?", "?")
        a = g["a"].strip()
        if 12 <= len(q) <= 190 and 2 <= len(a) <= 90 and a.lower() not in q.lower():
            out.append((q, a, m.start("a")))
        if len(out) == limit:
            break
    return out


if __name__ == "__main__":
    rng = random.Random(1)
    texts = [json.loads(l)["text"] for l, _ in zip(lzma.open(sys.argv[1], "rt"), range(40))]
    for _ in range(int(sys.argv[2]) if len(sys.argv) > 2 else 20):
        t = rng.choice(texts)
        at = rng.randrange(max(1, len(t) - 1200))
        for q, a, _ in questions(" ".join(t[at: at + 1200].split()), rng, 2):
            print(f"{q}  |  {a}")
