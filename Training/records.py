"""Paragraphs that carry a record, put together from sentences of our own writing, with the fields as they stand there: the corpora
of extraction have receipts, contracts and requests, and hardly an amount in a sentence. mixture.py asks for them; none is in Examples/ or Tests/.

    python records.py [N]        (shows N of them)

`{a|b}` is either, `$name` a filler of letters.py or one of `value`, `[field:...]` a value that is wanted. What a chosen branch leaves out
is not in the text.
"""
import json
import random
import re
import sys
import textwrap

from letters import FIRST, LAST, MONTHS, Letters

# kind: ({field: its names}, sentences)
KINDS = {
    "booking": ({"name": "name|guest|guest_name|customer|booked_by", "city": "city|place|destination|town", "amount": "amount|price|paid|total|cost", "date": "date|arrival|check_in|arrival_date", "nights": "nights|length_of_stay", "room": "room|room_number"},
        ["{Booking|Reservation}: {guest |for |}[name:$person]{, city [city:$place]|}{, room [room:$n3]|}{, arrives [date:$when]|}, {paid|to pay|price} [amount:$sum].", "[name:$person] has booked {a double room|a room|a flat} in [city:$place] {from|for} [date:$when]{ for [nights:{two|three|four|five|7|10}] nights|} and paid [amount:$sum]{ in advance| by card|}.",
         "{The guest in|In} room [room:$n3] is [name:$person], {who came from [city:$place]|here since [date:$when]}{, [nights:{2|3|4|6}] nights|}. {The bill is|Paid:} [amount:$sum].", "[name:$person] | [city:$place] | [date:$when] | [amount:$sum]"]),
    "payment": ({"payer": "payer|from|sender|name|customer", "payee": "payee|to|recipient|supplier", "amount": "amount|sum|total|value", "date": "date|paid_on|payment_date", "reference": "reference|reference_number|invoice_number|invoice"},
        ["{On [date:$when] |}[payer:$who] {paid|transferred|sent} [amount:$sum] to [payee:$who]{ (reference [reference:$code])|, invoice [reference:$n5]|}.", "{A payment of|The sum of} [amount:$sum] {was received|came in} from [payer:$who]{ on [date:$when]|}{, reference [reference:$code]|}.", "[date:$when]  [payee:$firm]  {ref. [reference:$n6]  |}[amount:$sum]",
         "{We owe|There is still owing to} [payee:$firm] [amount:$sum]{ for invoice [reference:$code]|}{, due on [date:$when]|}."]),
    "order": ({"product": "product|item|article|thing", "quantity": "quantity|count|number|pieces", "price": "price|amount|unit_price|cost", "customer": "customer|name|buyer|client", "order_number": "order_number|order|order_id|number"},
        ["{Order [order_number:$code]: |}[quantity:{1|2|3|4|6|12|25}] x [product:$thing]{ at|,} [price:$sum]{ for [customer:$person]|}", "[customer:$person] ordered {a|the} [product:$thing]{ for [price:$sum]|}{ under number [order_number:$n6]|}.", "- [product:$thing]: [price:$sum]{ ([quantity:{2|3|5|10|40}] in stock)|}", "{Please send|We need} [quantity:{two|three|five|20|100}] {pieces of the |}[product:$thing]{ at [price:$sum] each|}{ to [customer:$firm]|}."]),
    "meeting": ({"date": "date|day|when", "time": "time|start|start_time|at", "place": "place|location|room|where|venue", "topic": "topic|subject|agenda|about", "person": "person|organizer|chair|speaker|name"},
        ["{The|Our next|This month's} meeting {about|on} the [topic:$subj] is on [date:$when]{ at [time:$time]|}{ in [place:$hall]|}{; [person:$person] is in the chair|}.", "[person:$person] {speaks|will speak|gives a talk} {about|on} [topic:$topic]{ in [place:$hall]|}{ on [date:$when]|}{ at [time:$time]|}.", "[date:$when], [time:$time]: [topic:$subj]{ ([place:$hall])|}{, [person:$person]|}", "Can we meet {on|} [date:$when] {at|around} [time:$time]{ in [place:$hall]|} to {go through|talk about} the [topic:$subj]?"]),
    "person": ({"name": "name|person|employee|member|contact", "job": "job|role|position|title|occupation|profession", "company": "company|employer|organization|firm", "city": "city|town|place|location|home", "phone": "phone|phone_number|telephone", "email": "email|e-mail|address|email_address", "age": "age|years"},
        ["[name:$person]{, [age:$age],|} {is|works as} {a|the} [job:$job] {at [company:$firm]|}{ in [city:$place]|}.", "{Contact|Ask for|Write to}: [name:$person]{, [job:$job]|}{, [company:$firm]|}{, phone [phone:$phone]|}, [email:$addr]", "[name:$person] of [city:$place] {has been|was} [job:$job] {at|of} [company:$firm] since $year{; call [phone:$phone]|}.", "[name:$person] ([age:$age]) {lives in|comes from|moved to} [city:$place]{ and can be reached at [phone:$phone]|}."]),
    "flight": ({"flight": "flight|flight_number|number|train", "origin": "origin|from|departure_city|start", "destination": "destination|to|arrival_city|city", "date": "date|departure_date|day", "time": "time|departure_time|departure", "passenger": "passenger|name|traveller", "seat": "seat|seat_number"},
        ["{Flight|Train} [flight:$flight] from [origin:$place] to [destination:$place] leaves {on [date:$when]|}{ at [time:$time]|}{, seat [seat:$seat]|}.", "[passenger:$person] flies from [origin:$place] to [destination:$place]{ on [date:$when]|}{ with [flight:$flight]|}.", "[flight:$flight] [origin:$place] - [destination:$place] [date:$when] [time:$time]{ [seat:$seat]|}", "The [time:$time] to [destination:$place] ([flight:$flight]) is {late|cancelled|boarding now}."]),
    "incident": ({"date": "date|timestamp|day|when", "time": "time|at|hour", "host": "host|server|machine|node", "service": "service|component|program|system", "error": "error|code|error_code|status", "severity": "severity|level|priority"},
        ["[date:$iso] [time:$clock] [severity:{ERROR|WARN|FATAL|CRITICAL}] [host:$host] [service:$repo]: {failed with|exit|status} [error:{$n3|E$n4|timeout|out of memory|connection refused|disk full}]", "At [time:$time]{ on [date:$when]|} [service:$repo] on [host:$host] {went down|stopped|crashed} with {error |}[error:{E$n4|$n3|segmentation fault|disk full}].", "[host:$host]: [service:$repo] {restarted|unreachable}{ at [time:$clock]|}{, severity [severity:{high|low|medium|critical}]|}"]),
    "accident": ({"place": "place|street|location|city", "date": "date|day", "injured": "injured|injuries|casualties|hurt", "damage": "damage|loss|cost|amount", "cause": "cause|reason"},
        ["{A fire|A collision|A burst pipe|An accident} {on|in} [place:{$last Street|$place|$last Road}]{ on [date:$when]|} {injured|hurt} [injured:{two|three|four|seven}] people and did damage of [damage:$sum]{; [cause:{a faulty heater|black ice|speeding|a candle|a blocked drain}] is thought to be the cause|}.", "{The police in|Police in} [place:$place] report {damage|a loss} of [damage:$sum] {after|caused by} [cause:{a storm|theft|vandalism|flooding|hail}]{ on [date:$when]|}."]),
    "job": ({"position": "position|job|title|role|job_title", "company": "company|employer|organization", "city": "city|location|place|workplace", "salary": "salary|pay|amount|compensation", "deadline": "deadline|apply_by|closing_date|date"},
        ["[company:$firm] {is looking for|seeks|hires} a [position:$job]{ in [city:$place]|}{, salary [salary:$sum]{ a month| a year|}|}{. Apply by [deadline:$when]|}.", "{Vacancy|We are hiring}: [position:$job]{, [company:$firm]|}{, [city:$place]|}{ ([salary:$sum])|}{, closing date [deadline:$when]|}"]),
    "shipment": ({"tracking": "tracking_number|tracking|parcel_number|shipment", "carrier": "carrier|shipped_by|courier|company", "destination": "destination|to|city|address", "weight": "weight|kg|mass", "date": "date|delivery_date|expected|eta"},
        ["{Parcel|Shipment} [tracking:$code] {of [weight:$weight] |}{with [carrier:$firm] |}{is on its way to|goes to|was delivered in} [destination:$place]{ and arrives on [date:$when]|}.", "[carrier:$firm] will deliver {your parcel|the parcel|the goods} to [destination:$place] on [date:$when]{ (number [tracking:$code])|}.", "[tracking:$code]; [destination:$place]; [weight:$weight]; [date:$when]"]),
    "lease": ({"landlord": "landlord|lessor|owner|party", "tenant": "tenant|lessee|renter|name", "rent": "rent|monthly_rent|amount|price", "address": "address|property|premises|street", "start": "start|start_date|from|effective_date|date", "term": "term|duration|length"},
        ["[landlord:$person] lets {the flat|the house|the premises} at [address:$address] to [tenant:$person]{ from [start:$when]|}{ for [term:{two years|12 months|five years|one year|36 months}]|} at {a rent of |}[rent:$sum]{ a month|}.", "This lease is made {on [start:$when] |}between [landlord:$firm] and [tenant:$who]. The monthly rent is [rent:$sum]{, for a term of [term:{two years|12 months|five years}]|}.", "[address:$address], {$n2 square metres|two rooms|three rooms}, [rent:$sum]{, free from [start:$when]|}"]),
    "agreement": ({"party": "party|company|first_party|licensor", "counterparty": "counterparty|second_party|licensee|other_party", "date": "date|effective_date|signed_on", "law": "governing_law|jurisdiction|law", "fee": "fee|amount|price|consideration", "notice": "notice|notice_period|termination_notice"},
        ["This agreement is made {as of|on} [date:$when] between [party:$firm] and [counterparty:$firm]{ and is governed by the laws of [law:{Ireland|Delaware|New York|England|Ontario|Sweden|California}]|}.", "[party:$firm] pays [counterparty:$firm] {a fee of |}[fee:$sum]{ a {month|year}|}{. Either party may end it with [notice:{30 days|three months|six weeks|90 days}] notice|}."]),
    "visit": ({"patient": "patient|name|person", "doctor": "doctor|physician|seen_by", "date": "date|visit_date|appointment", "diagnosis": "diagnosis|complaint|condition|illness", "drug": "drug|medication|medicine|prescription", "dose": "dose|dosage"},
        ["[patient:$person] {saw|was seen by} Dr [doctor:$last]{ on [date:$when]|} {with|because of} [diagnosis:{a cough|migraine|back pain|a sprained ankle|high blood pressure|hay fever|an ear infection}]{ and was given [drug:$drug]{, [dose:$dose]|}|}.", "{Prescribed|Continue}: [drug:$drug] [dose:$dose]{ for [diagnosis:{asthma|gout|anaemia|insomnia|eczema}]|}{ (Dr [doctor:$last])|}"]),
    "match": ({"home": "home_team|home|team|winner", "away": "away_team|away|opponent|loser", "score": "score|result", "scorer": "scorer|player|name|best_player", "date": "date|day", "place": "stadium|place|venue|city"},
        ["[home:$team] beat [away:$team] [score:{3-1|2-0|4:2|1-0|21-17|88-79}]{ in [place:$place]|}{ on [date:$when]|}{; [scorer:$person] scored {twice|the first|the last goal}|}.", "[away:$team] lost [score:{0-2|1-3|2:5}] {at|to} [home:$team]{ on [date:$when]|}.", "[date:$when]: [home:$team] - [away:$team] [score:{1:1|2:0|0:3|3:3}]"]),
    "book": ({"title": "title|book|work|name", "author": "author|writer|written_by", "year": "year|published|date", "publisher": "publisher|press", "price": "price|amount|cost", "pages": "pages|page_count|length"},
        ["[author:$person], \"[title:$title]\"{, [publisher:$firm]|}, [year:$year]{, [pages:$n3] pages|}{, [price:$sum]|}", "\"[title:$title]\" by [author:$person] {came out in|was published in} [year:$year]{ with [publisher:$firm]|}{ and costs [price:$sum]|}.", "{We have read|I borrowed|She gave me} \"[title:$title]\" by [author:$person]{ ([pages:$n3] pages)|}."]),
    "course": ({"course": "course|class|title|subject|name", "teacher": "teacher|instructor|taught_by|lecturer", "day": "day|weekday|when|date", "time": "time|start|at", "room": "room|place|location", "fee": "fee|price|cost|amount"},
        ["[course:$topic] with [teacher:$person]{, [day:$day]s|}{ at [time:$time]|}{, room [room:$n3]|}{, fee [fee:$sum]|}", "[teacher:$person] teaches [course:$topic] {on|every} [day:$day]{ at [time:$time]|}{ in [room:$hall]|}{ for [fee:$sum] {a term|a head|}|}."]),
    "loan": ({"borrower": "borrower|debtor|name|customer", "lender": "lender|bank|creditor", "amount": "amount|principal|loan|sum", "interest": "interest|interest_rate|rate", "term": "term|duration|years", "date": "date|due|due_date|repayment_date"},
        ["[lender:$firm] lent [borrower:$who] [amount:$sum]{ at [interest:$rate]|}{ for [term:{five years|ten years|24 months|18 months}]|}{, to be paid back by [date:$when]|}.", "{The loan of|A loan of} [amount:$sum] {to|for} [borrower:$person] {bears interest of|at} [interest:$rate]{, due [date:$when]|}."]),
    "donation": ({"donor": "donor|giver|name|from", "amount": "amount|donation|sum|given", "purpose": "purpose|cause|project|for", "date": "date|day"},
        ["[donor:$who] {gave|donated|left} [amount:$sum] {to|for} the [purpose:{library|new roof|school garden|lifeboat|choir|hospital|youth club|museum}]{ on [date:$when]|}.", "{Thanks to|With thanks to} [donor:$who] for [amount:$sum]{ ([purpose:{the orchestra|the playground|flood relief|books}])|}"]),
    "expense": ({"what": "item|what|description|expense|purpose", "amount": "amount|cost|total|price|spent", "date": "date|day|when", "person": "person|employee|name|paid_by", "category": "category|account|kind"},
        ["[date:$when]{ [person:$person]|}: [what:{taxi to the station|lunch with a client|printer paper|train ticket|hotel, one night|parking|stamps}] [amount:$sum]{ ([category:{travel|office|meals|postage}])|}", "[person:$person] {spent|paid|claims} [amount:$sum] {on|for} [what:{a taxi|two train tickets|a new chair|software|postage|flowers}]{ on [date:$when]|}."]),
    "measurement": ({"place": "place|station|site|location|city", "value": "value|temperature|level|reading|measurement", "date": "date|day", "time": "time|hour|at"},
        ["{In|At} [place:$place] {it was|the thermometer stood at|we measured} [value:{$n2 degrees|-$n1 °C|$n2.$n1 °C|$n2 km/h}]{ at [time:$time]|}{ on [date:$when]|}.", "[date:$iso] [time:$clock] [place:$place] [value:$n2.$n1]{ mm| °C| m|}"]),
    "property": ({"address": "address|street|property|location", "price": "price|asking_price|amount|value", "rooms": "rooms|bedrooms|number_of_rooms", "size": "size|area|square_metres|floor_area", "agent": "agent|seller|contact|owner"},
        ["{For sale|House for sale|To let}: [address:$address], [rooms:{two|three|four|5|6}] {bedrooms|rooms}{, [size:{$n2|1$n2}] {square metres|m2|sqm}|}, [price:$sum]{, [agent:$person]|}", "[agent:$who] {sold|offers} the {house|flat} at [address:$address] for [price:$sum]."]),
    "event": ({"event": "event|title|name|show", "date": "date|day|when", "place": "place|venue|location|city", "price": "price|ticket|admission|cost|amount", "time": "time|doors|start"},
        ["{The|This year's} [event:{summer fair|harvest supper|book sale|open day|carol concert|film night|science fair|half marathon}] {is on|takes place on} [date:$when]{ in [place:$place]|}{, {doors open at|from} [time:$time]|}{; tickets [price:$sum]|}.", "[event:{Jazz in the park|Night of museums|Spring concert|Quiz night|Craft market|Poetry evening}], [date:$when]{, [time:$time]|}{, [place:$place]|}{, admission [price:$sum]|}"]),
    "recall": ({"product": "product|model|item", "maker": "manufacturer|maker|company|brand", "defect": "defect|fault|problem|reason", "phone": "phone|hotline|telephone", "batch": "batch|batch_number|serial|lot"},
        ["[maker:$firm] {recalls|takes back} the [product:$thing]{ of batch [batch:$code]|} because of [defect:{a loose cable|sharp edges|overheating|a faulty valve|traces of nuts|peeling paint}]{. Call [phone:$phone]|}."]),
    "vote": ({"candidate": "candidate|name|winner|person", "votes": "votes|number_of_votes|count", "share": "share|percentage|percent", "office": "office|post|position", "date": "date|election_day|day"},
        ["[candidate:$person] {was elected|became} [office:{mayor|treasurer|chair of the board|secretary|member of the council|headteacher}]{ on [date:$when]|} with [votes:{$n3|$n4|12,$n3}] votes{ ([share:{51.2|63|48.9|57.5}] %)|}.", "[candidate:$person]: [votes:{$n3|$n4|1,$n3}]{ ([share:{9.4|21|33.7}] %)|}"]),
}
# Too general to be called missing from a text of any kind.
GENERAL = set("name person place city location town date day when time at number count title company organization address age year years from to start item thing what kind subject topic job work party".split())


class Records(Letters):
    def value(self, name):
        r = self.r
        number = lambda: r.choice([f"{r.randint(2, 999)}.{r.randint(0, 99):02}", str(r.randint(2, 950)), f"{r.randint(1, 98)},{r.randint(0, 999):03}", f"{r.randint(1, 9)},{r.randint(0, 999):03}.{r.randint(0, 99):02}", f"{r.randint(10, 90)}00"])
        match name:
            case "person": return r.choice(["{f} {l}"] * 8 + ["{f} {i}. {l}", "Mr {l}", "Mrs {l}", "Dr {f} {l}", "{l}, {f}"]).format(f=r.choice(FIRST), l=r.choice(LAST), i=r.choice("ABCEFHJKLMRST"))
            case "firm": return self.filler("shop")
            case "who": return self.value(r.choice(["person", "person", "firm"]))
            case "sum": return r.choice(["{} euros", "{} dollars", "{} pounds", "€{}", "${}", "£{}", "{} €", "EUR {}", "USD {}", "{} EUR", "{} kr", "CHF {}", "{} francs", "Rs {}", "{}"]).format(number())
            case "when":
                d, m, y = r.randint(1, 28), r.randint(1, 12), r.randint(1985, 2027)
                w = MONTHS[m - 1]
                return r.choice([f"{d} {w} {y}", f"{w} {d}, {y}", f"{d} {w}", f"{w} {d}", f"{y}-{m:02}-{d:02}", f"{d:02}/{m:02}/{y}", f"{d}.{m}.{y}", f"{d} {w[:3]} {y}", self.filler("day"), f"the {d}th of {w}" if 4 <= d <= 20 else f"{d} {w}"])
            case "iso": return f"{r.randint(2005, 2027)}-{r.randint(1, 12):02}-{r.randint(1, 28):02}"
            case "clock": return f"{r.randint(0, 23):02}:{r.randint(0, 59):02}" + r.choice(["", f":{r.randint(0, 59):02}"])
            case "hall": return r.choice(["room ", "hall ", "Room "]) + r.choice([str(r.randint(1, 420)), r.choice("ABCDEFG")]) if r.random() < 0.6 else r.choice(["the library", "the town hall", "the small hall", "the canteen", "the old school", "the reading room"])
            case "age": return str(r.randint(17, 91))
            case "phone": return r.choice(["0{} {}", "+{} {}", "({}) {}", "{}-{}"]).format(r.randint(20, 999), r.choice([f"{r.randint(100, 999)} {r.randint(1000, 9999)}", str(r.randint(10 ** 6, 10 ** 7)), f"{r.randint(100, 999)}-{r.randint(1000, 9999)}"]))
            case "addr": return self.filler("toaddr")
            case "flight": return f"{''.join(r.choice('ABDEFIKLQRSTUX') for _ in range(2))}{r.choice(['', ' '])}{r.randint(11, 9899)}"
            case "seat": return f"{r.randint(1, 42)}{r.choice('ABCDEF')}"
            case "weight": return f"{r.choice([str(r.randint(1, 90)), f'{r.randint(0, 30)}.{r.randint(1, 9)}'])} {r.choice(['kg', 'kg', 'g', 'lbs', 'pounds', 'tonnes'])}"
            case "address": return f"{r.randint(1, 240)} {r.choice(LAST)} {r.choice(['Street', 'Road', 'Lane', 'Avenue', 'Square'])}" + r.choice(["", f", {self.filler('place')}"])
            case "drug": return r.choice("ibuprofen|amoxicillin|loratadine|metformin|paracetamol|ramipril|salbutamol|cetirizine|prednisolone|naproxen".split("|"))
            case "dose": return r.choice(["{} mg twice a day", "{} mg", "{} mg daily", "{} mg three times a day", "one tablet a day"]).format(r.choice([5, 10, 20, 50, 100, 250, 400, 500]))
            case "team": return self.filler("place") + r.choice(["", " United", " Rovers", " City", " Tigers", " Athletic"])
            case "title": return r.choice(["The {} of {}", "A {} for {}", "{} and {}", "The last {} in {}", "How {} met {}"]).format(r.choice("garden house letter winter river lantern journey ship orchard question clock".split()), r.choice([self.filler("place"), r.choice(FIRST), "glass", "the north", "my father", "silence"]))
            case "rate": return r.choice(["{} %", "{}%", "{} per cent", "{} percent"]).format(f"{r.randint(0, 12)}.{r.choice([0, 25, 5, 75, 9])}")
        return self.filler(name)

    def one(self):
        """(text, {field: value or None}) of one record; a field has one of its names, the same for the whole of a call."""
        r = self.r
        fields, sentences = r.choice(list(KINDS.values()))
        name = {k: r.choice(n.split("|")) for k, n in fields.items()}
        text = r.choice(sentences)
        while (new := re.sub(r"\{([^{}]*)\}", lambda m: r.choice(m[1].split("|")), text, count=1)) != text:
            text = new
        found = {}

        def wanted(m):
            v = re.sub(r"\$([A-Za-z]+[1-6]?)", lambda x: self.value(x[1]), m[2])
            found.setdefault(m[1], v)
            return v

        text = re.sub(r"\[(\w+):([^\]]*)\]", wanted, text)
        text = re.sub(r"\$([A-Za-z]+[1-6]?)", lambda x: self.value(x[1]), text)
        text = " ".join(text.split())
        if r.random() < 0.12:  # lines as narrow as a receipt's: values go on in the next one
            text = "\n".join(textwrap.wrap(text, r.choice([14, 20, 28, 40]), break_long_words=False, break_on_hyphens=False))
            for k, v in found.items():
                m = re.search(r"\s".join(map(re.escape, v.split())), text)
                found[k] = m.group() if m else None
        return text, {name[k]: found.get(k) for k in fields if list(name.values()).count(name[k]) == 1}

    def paragraph(self):
        """A record, sometimes between real sentences; or real sentences without a digit alone, asked for what has digits."""
        r = self.r
        text, fields = self.one()
        x = r.random()
        digits = {k for k, v in fields.items() if v and re.search(r"\d", v)}
        if x < 0.18 and digits - GENERAL and (prose := self.sentences(r.randint(1, 6))) and not re.search(r"\d", prose):
            return prose, dict.fromkeys(digits - GENERAL)
        if x < 0.40:
            before, after = (self.sentences(r.randint(1, 2)) if r.random() < 0.6 else "" for _ in "12")
            # Beside other text only what the record itself has is certain.
            fields = {k: v for k, v in fields.items() if v is not None or k not in GENERAL}
            text = f"{before} {text} {after}".strip()
        return text, fields


if __name__ == "__main__":
    made = Records(random.Random(1), ["It rained all day. Nobody came to the house. The dog slept by the fire, and Tom read the paper."])
    for _ in range(int((sys.argv[1:] or [10])[0])):
        t, f = made.paragraph()
        print(t, json.dumps(f, ensure_ascii=False), "", sep="\n")
