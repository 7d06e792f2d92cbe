"""Mail as it is written today, put together from parts of our own writing: the corpora end in 2010, and so know no parcel that is
on its way, no code to sign in with and no statement that is ready. mixture.py asks it for spam or ham and for kinds of mail.

    python letters.py [N]        (shows N of them)

`{a|b}` is either, `$name` a filler, `$name1` the same one wherever it stands again. None of it is in Examples/.
"""
import random
import re
import sys

from scenes import SCENES

FIRST = """Anna Ben Carla David Elif Farid Grace Hugo Ines Jack Karin Liam Maya Noor Oskar Paula Quentin Rosa Sven Tara Umar Vera Will Xenia Yusuf Zoe Emma Noah Olivia Ethan Priyanka Arjun
Mei Hiro Fatima Omar Lucia Mateo Chloe Antoine Greta Lukas Agnes Piotr Ivana Milan Sofia Nikos Aoife Conor Megan Gareth Isla Callum Tunde Amara Kofi Zanele Deborah Keith Linda Roger Susan Peter Judith Alan""".split()
LAST = """Baker Moreno Schmidt Novak Okafor Lindqvist Rossi Dubois Kowalski Nakamura Patel Singh Chen Kim Nguyen Hughes Murphy Fraser Walsh Cole Barnes Hayes Reid Marsh Lowe Fischer Weber Jansen Visser Larsen Berg Nilsen Virtanen Costa
Silva Mendes Garcia Ortiz Haddad Rahman Demir Yilmaz Mensah Abebe Goldberg Cohen Price Turner Ward Foster Bryant Simmons Coleman Perry""".split()
HALF = "north river green blue stone oak harbour sun cloud bright swift maple cedar silver copper mill bridge field lake hill moss fern iron paper quick clear open true well home city star wave pine amber delta orbit vista nova terra alta luma zen".split()
OTHER = "gate way works labs line point house market store supply mart base leaf path yard wood ridge port cast box desk hub loop forge press craft kit nest side view mont tek soft ware".split()
TLD = ["com"] * 10 + ["co.uk", "net", "org", "de", "io", "eu", "fr", "nl", "ca", "com.au", "ie", "se", "app", "shop"]
PROVIDERS = ["gmail.com"] * 4 + ["outlook.com", "yahoo.com", "hotmail.com", "icloud.com", "aol.com", "gmx.net", "proton.me", "btinternet.com", "comcast.net", "web.de"]
THINGS = """kettle|desk lamp|rain jacket|pair of walking boots|coffee grinder|bicycle pump|set of pans|phone case|USB-C cable|monitor arm|yoga mat|garden hose|toaster|headphones|office chair|backpack|water filter|paperback|winter tyres|printer cartridge|baby monitor|dog bed
electric toothbrush|cordless drill|tent|picture frame|wool blanket|keyboard|memory card|router|bookshelf|light bulbs|running shoes|board game|sewing kit|swimming goggles|thermos flask""".replace("\n", "|").split("|")
PLACES = "Leeds|Porto|Hamburg|Utrecht|Bristol|Galway|Lyon|Vienna|Prague|Malmo|Boston|Denver|Toronto|Melbourne|Osaka|Nairobi|Seville|Turin|Krakow|Antwerp|Cork|Aarhus|Basel|Austin|Halifax|Wellington|Edinburgh|Lisbon|Tampere|Ghent".split("|")
SUBJECTS = "budget|roadmap|website|audit|rollout|hiring plan|survey|contract|launch|migration|training day|release|brochure|tender|inventory|risk register|user interviews|annual report|data cleanup|office move|supplier review|grant application|sales forecast|handbook|security review|field trip|exhibition|lab order|test plan|invoice run".split("|")
CLUBS = "choir|chess club|running group|book club|allotment association|parents' council|sailing club|neighbourhood watch|history society|tennis club|scout group|orchestra|cycling club|amateur theatre|residents' association|football team|quilting circle|film society".split("|")
TOPICS = "sourdough|astronomy|local history|web typography|houseplants|trail running|jazz records|knitting|personal finance|remote work|bird watching|vintage cars|board games|databases|climate policy|wine|photography|parenting|chess openings|cooking with children|open source|fountain pens|architecture|science fiction|beekeeping|cycling".split("|")
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "January February March April May June July August September October November December".split()

HI = "{Hi $to1,|Hello $to1,|Dear $to1,|$to1,|Hi,|Hello,|Good morning $to1,|Hey $to1,|Hi there,|}"
BYE = "{Best,|Best wishes,|Thanks,|Many thanks,|Regards,|Kind regards,|Cheers,|Talk soon,|}\n$me1"
HELLO = "{Hi $to1,|Hello $to1,|Dear $to1,|Dear customer,|Dear $to1 $tolast1,|Hello,|}"
TEAM = "{The $shop1 team|Your $shop1 team|Customer care, $shop1|$shop1|Thank you for choosing $shop1.|Thanks,\n$shop1}"
FOOT = "{|This is an automatic message, please do not reply.|You receive this e-mail because you have an account with us.|$shop1, $n4 $last Street, $place. Registered no. $n6.|Questions? Visit our help centre: https://$dom1/help|Privacy ($url1) - Terms ($url1) - Contact ($url1)|Do not want these e-mails? Change your settings ($url1).|© $year $shop1}"

# kind: (names of the label, description, senders, subjects, paragraphs); spam where the kind says so
HAM = {
    "order": (["orders", "orders and deliveries", "shopping", "delivery", "order confirmation"], "orders, parcels and returns", "shop",
        ["{Your|} order {$n6|#$n6|no. $n5} {has been shipped|is confirmed|is being packed|was delivered|has left our warehouse}", "{Thanks for your order|Order confirmation} {$n6|#$n5|}", "Your {parcel|package|$thing} {arrives|will arrive} {today|tomorrow|on $day}", "Delivered: {your parcel|$thing}", "We have received your return", "Your refund of $amt {is on its way|has been issued}", "{Dispatch note|Shipping confirmation} $n6", "Click and collect: your order is ready"],
        [HELLO, "{good news: |}{your order {$n6|#$n5} {is on its way|has been handed to the carrier|left our warehouse {today|this morning|on $day}}.|we have received your order and are getting it ready.|your parcel {was delivered {today|on $day} at $time|has been left {with a neighbour|in the agreed place|at the parcel shop}}.|thank you for your order. Here is what you bought:|we have received your return and {refunded $amt to your card|will check it within five working days}.}",
         "{1 x $thing, $amt\n{1|2|3} x $thing, $amt\nDelivery: {free|$amt}\nTotal: $amt|$thing ... $amt\n{VAT included.|}|{Expected delivery|Delivery}: {$day|$date}\nDelivery address: $to1 $tolast1, $n2 $last Road, $place|}", "{Track your parcel: $url|Follow your parcel ($url)|Tracking number: $code|Something wrong? You can return it within {14|30|60} days.|}", TEAM, FOOT]),
    "invoice": (["invoices", "invoice", "bills", "bills and receipts", "receipt", "finance", "billing"], "invoices, receipts and payments due", "shop",
        ["Invoice $n5", "{Your invoice|Your receipt|Receipt} from $shop1", "{Your|} $month {bill|invoice} {is ready|is available}", "Payment received, thank you", "Receipt for your payment of $amt", "{Reminder: |}invoice $n6 {is due on $date|falls due on $day}", "Your {electricity|gas|water|phone|internet} bill for $month", "{Direct debit|Payment} notice: $amt on $date", "Rechnung $n6", "Invoice for {consulting|repairs|the $subj|membership} in $month"],
        [HELLO, "{please find attached invoice $n5 for {the work in $month|your last order|services in $month}.|your {bill|invoice} for $month {is ready|can be viewed in your account}.|thank you for your payment of $amt.|we will collect $amt from your account on $date, as agreed.|here is your receipt.|our records show that invoice $n6 of $date is still open. If you have already paid, please ignore this reminder.}",
         "{Amount: $amt\nDue: $date\n{Reference: $code|Account ending in $n4|}|Subtotal $amt\nTax $amt\nTotal $amt\nPaid with card ending $n4|Meter reading: $n5 kWh\nAmount to pay: $amt|Plan: {monthly|yearly}\nNext payment: $date|}", "{The amount will be debited on $date. You need not do anything.|Please transfer the amount within {14|30} days, quoting the invoice number.|You find all your bills at $url.|Let us know should anything look wrong.|}", "{" + TEAM + "|" + BYE + "}", FOOT]),
    "statement": (["bank", "banking", "account notices", "statements", "finance"], "notices of banks, insurers and offices", "bank",
        ["Your {account|card|pension|savings} statement is {ready|available}", "{New document|A new message} in your {online banking|mailbox|account}", "Statement for $month $year", "Your card was used: $amt", "Payment of $amt to $shop", "Your {interest rate|terms} {will change|change} on $date", "{Your insurance documents|Your policy} for $year", "Low balance alert", "Your tax certificate for $year"],
        [HELLO, "{your statement for $month is now {available|ready to view} in online banking.|you have a new document in your mailbox: {statement|tax certificate|change of terms}.|a payment of $amt to $shop was made with your card ending in $n4.|the balance of your account ending in $n4 has gone below $amt.|your policy $code renews on $date. There is nothing you need to do.|we are changing our terms on $date. What changes is listed below.}",
         "{For your safety we never put account details or links to sign in into an e-mail. Please open the app or type our address yourself.|Log in as you usually do to read it.|If you do not recognise this payment, call the number on the back of your card.|The documents are kept for ten years.|We will never ask for your PIN or password.|}", TEAM, FOOT]),
    "security": (["account security", "security alerts", "sign-in notices", "accounts", "notifications"], "sign-in codes and changes to one's own accounts", "shop",
        ["Your {verification|sign-in|security|one-time} code{: $n6| is $n6|}", "New sign-in {to your account|from {Firefox|Chrome|Safari} on {Windows|Linux|macOS}}", "Your password {was|has been} changed", "{Confirm|Please confirm} your e-mail address", "Two-step verification {is on|was switched on}", "{Reset your password|Password reset}", "Welcome to $shop1", "A new device was added", "Your backup codes"],
        [HELLO, "{$n6 is your {verification|sign-in} code. It is valid for {10|15|30} minutes.|your password was changed on $date at $time.|we noticed a new sign-in to your account from {Firefox|Chrome|Safari} on {Windows|Android|Linux|a Mac} near $place.|somebody, hopefully you, asked to reset the password of this account. Use this link within an hour: $url|thanks for signing up. Please confirm that this address is yours: $url|two-step verification is now on. Keep your backup codes somewhere safe.}",
         "{If this was you, you need do nothing.|If it was not you, {change your password|visit your security settings} by opening our site as you usually do.|Never give this code to anybody, not even to us.|Did not ask for this? Then ignore this e-mail; nothing will change.|}", TEAM, FOOT]),
    "newsletter": (["newsletters", "newsletter", "news digests", "subscriptions", "reading"], "letters and digests that one has subscribed to", "letter",
        ["{$Topic weekly|The $topic letter|Notes on $topic}{, no. $n2|: issue $n3|}", "{This week|This month} in $topic", "$Topic: {five links|what we read|questions from readers}", "{What I learned about|An introduction to|The trouble with} $topic", "The $month issue", "{Sunday|Friday|Morning} digest", "$headline"],
        ["{Hello readers,|Dear reader,|Hi friends,|Good morning!|Welcome back.|Hello and welcome to issue $n3.|}", "$items", "{Thanks to everyone who wrote about last week's letter.|A reader asks whether $topic is worth starting late. Yes.|Next week: more about $topic.|If you enjoy this letter, forward it to a friend.|}", "{Until next time,|Happy $topic,|See you next week,|}\n$me1", "{You {receive|get} this {letter|e-mail} because you {subscribed|signed up} at $url. {Unsubscribe|Leave} ($url)|Unsubscribe at any time: $url|To stop receiving it, reply with 'leave'.|You are subscribed as $toaddr1. Manage your subscription ($url)|}"]),
    "shopnews": (["promotions", "offers", "shop news", "newsletters"], "offers of shops whose customer one is", "shop",
        ["{Our|The} {spring|summer|autumn|winter} {range|catalogue|sale} is here", "{20|15|30} % off {everything|$thing} {this weekend|until $day}", "New in: $thing", "We have something for you, $to1", "Your {loyalty points|voucher} {expire soon|are waiting}", "{Back in stock|Now in store}: $thing"],
        [HELLO, "{as a {member|loyal customer}, you get|until $day you get|this weekend you get} {15|20|30} % off {all our $thing range|everything for the garden|selected items}.", "{New this week: $thing, $thing and $thing.|Your points: $n3. They are worth $amt in store.|Free delivery from $amt.|The $thing you looked at is back in stock.|}", "{Shop now ($url)|See what is new ($url)|Find your nearest store ($url)|}", TEAM, "{You receive this because you {have an account with us|subscribed to our news|asked for our newsletter}. Unsubscribe ($url)|" + FOOT + "}"]),
    "meeting": (["meetings", "calendar", "appointments", "schedule", "work"], "dates, agendas and minutes of meetings", "person",
        ["{Agenda|Minutes|Notes} {for $day|of $day|from the $subj meeting|: $subj}", "{Can we move|Moving} {$day's call|the $subj meeting} to $day?", "Invitation: $subj {review|call|sync} @ $day $time", "Accepted: $subj {review|catch-up}", "{Re: |}{$subj meeting|call on $day|lunch on $day?}", "Room for $day"],
        [HI, "{can we move the $subj meeting to $day at $time? I have a clash.|the agenda for $day is below. Send me anything that is missing.|thanks for joining today. Notes and actions are below.|does $day at $time work for a short call about the $subj?|I booked the small room for $time.|sorry, I cannot make it on $day. $first will stand in for me.}",
         "{1. {Where the $subj stands|Open questions on the $subj} ($first)\n2. $Subj: next steps\n3. Any other business|Actions:\n- $first: draft of the $subj by $day\n- $first: ask about the $subj\n- all: comments until $date|When: $day, $date, $time\nWhere: {Room $n2|online, link in the calendar|$place office}|}", BYE, "$quote"]),
    "work": (["work", "projects", "work mail", "colleagues", "business"], "colleagues and projects", "person",
        ["{Re: |Fwd: |}$subj", "{Draft|Comments on|Question about|Numbers for} the $subj", "{Re: |}$Subj: {status|next steps|two questions|final version}", "{Quick question|A favour|Heads-up}", "{Out of office|Handover} {next week|until $date}", "{Re: |}quote for the $subj", "$Subj attached"],
        [HI, "{attached is the {latest|final} draft of the $subj. {The changes are marked.|Page $n2 is new.|}|I had a look at the $subj and have two questions.|just a heads-up that the $subj will be {two days|a week} late, since $first is ill.|could you send me the numbers for the $subj by $day?|thanks for the quick turnaround on the $subj. $First and I went through it this morning.|as discussed, here is our offer for the $subj.|I'll be away until $date. For anything urgent on the $subj, ask $first.|the client liked the $subj, but wants the second part shortened.}",
         "{First, do we {keep|drop} the part on the $subj? Second, who signs it off?|The total comes to $amt without tax, valid until $date.|I would rather wait for the $subj than send something half finished.|If nobody objects by $day, I will send it out.|The deadline is $date, so we have some room.|Let me know what you think.|$prose|}", BYE, "{|$me1 $melast1, $shop1, $place, +$n2 $n3 $n6|This message and its attachments are confidential and meant for the addressee only.}", "$quote"]),
    "family": (["family", "family and friends", "personal", "private", "friends"], "family, friends and neighbours", "friend",
        ["{Re: |}{Sunday lunch|photos|your visit|the weekend|Mum's birthday|holiday plans|new address|the garden}", "{Happy birthday!|Thank you|Hello from $place|We made it|Guess what|Miss you|Arrived|Finally some news}", "{Re: |}{keys|the dog|that recipe|train times|$thing}", "{Dinner|Walk|Coffee} on $day?"],
        [HI, "{we arrived in $place last night, the train was two hours late, but the flat is lovely.|thank you for the $thing, it was just what we needed.|are you coming on $day? $First brings the cake, so you only need to bring yourself.|happy birthday! I hope you have a lovely day and no work at all.|I found the photos of $place at last, $n2 of them. The one with $first and the $thing is the best.|$First starts school on $day and already knows everything better.|could you water the plants while we are in $place? The key is where it always is.|Dad is fine again, the doctor only wants him to walk more. He walks to the fridge.}",
         "{Did you ever find your $thing?|How is the new job?|The weather is dreadful, so we play cards and eat too much.|$First says hello and asks when you will visit.|$prose|I will call on $day evening.|The {cat|dog|rabbit|donkey} has eaten {the post|a slipper|half the cake} again.|We have too many {plums|eggs|courgettes|kittens}, do you want some?|}", "{Love,|Big hug,|Hugs from all of us,|xx|See you soon,|Take care,|}\n$me1", "$quote"]),
    "travel": (["travel", "bookings", "tickets", "travel bookings"], "tickets, flights and hotel bookings", "shop",
        ["{Your booking|Booking confirmation|Your e-ticket} {$code|for $place}", "{Check in now|Online check-in is open}: $place on $date", "{Gate|Platform|Schedule} change for your {flight|train} to $place", "Your {stay|trip} in $place", "{Boarding pass|Seat reservation} $code", "How was your stay in $place?"],
        [HELLO, "{your booking is confirmed.|online check-in for your flight to $place is open.|your train to $place on $date now leaves at $time from platform $n2.|we look forward to welcoming you in $place on $date.|thank you for travelling with us.}", "{Booking code: $code\nFrom: $place\nTo: $place\nDeparture: $date, $time\nPassenger: $to1 $tolast1|Check-in: $date from 15:00\nCheck-out: $date until 11:00\n{1|2} guests, breakfast included|Seat $n2, coach $n2|Total paid: $amt|}", "{Free cancellation until $date.|Please be at the gate 40 minutes before departure.|Your ticket is attached as PDF.|One piece of hand luggage is included.|}", TEAM, FOOT]),
    "support": (["support requests", "support", "customer questions", "help requests", "complaint"], "customers who ask for help or complain", "friend",
        ["{Problem with|Question about|Cannot open|Help with} {order $n5|my $thing|the app|my account|invoice $n5}", "{My $thing arrived broken|Charged twice|App crashes on start|Login does not work|Missing parts}", "{Complaint|Refund please|Still waiting}: order $n5", "How do I {change my address|export my data|cancel|reset the device}?"],
        ["{Hello,|Hi,|Dear support team,|Dear sir or madam,|To whom it may concern,|Good afternoon,|}", "{I ordered a $thing on $date (order $n5), and it {arrived broken|has still not arrived|is the wrong size|stopped working after two days}.|since the last update the app closes as soon as I {open the settings|press save|scan a page}.|I was charged $amt twice this month. Please look into it.|I cannot sign in any more: it says that my account does not exist.|how do I {export my data|change the delivery address|move my licence to a new computer}? I could not find it in the manual.|this is the third time I write about the same $thing, and I am getting tired of it.}",
         "{I have tried {turning it off and on|reinstalling|another browser}, with no luck.|The error says: code $n3.|Please {send a new one|refund the money|call me back on 0$n4 $n6}.|A photo is attached.|I use version $n1.$n2 on {Windows|Android|a Mac|Linux}.|I would like a reply by $day.|}", "{Thank you|Regards,|Yours faithfully,|Kind regards,|}\n$me1 $melast1"]),
    "reply": (["support replies", "customer service", "support", "helpdesk"], "answers of a helpdesk", "shop",
        ["{Re: |[#$n6] }{Your request|Problem with order $n5|Your question|Ticket $n5}", "[Ticket $n6] {We have received your request|has been solved|is waiting for you}", "How did we do?"],
        [HELLO, "{thank you for contacting us. Your request has the number $n6, and somebody will look at it within {one|two} working days.|sorry about the trouble with your $thing. A new one leaves our warehouse {today|tomorrow}.|we have refunded $amt; it can take up to five days until you see it.|please try the following: {restart the device, then hold the button for ten seconds|clear the cache and sign in again|update to version $n1.$n2}.|we have not heard from you and close this ticket. Reply to open it again.}", "{Is there anything else we can do?|Please leave the ticket number in the subject.|$prose|}", "{$me1|$me1, customer care} \n$shop1", "$quote"]),
    "club": (["clubs and community", "community", "school and clubs", "announcements", "events"], "clubs, schools and neighbours", "club",
        ["{Rehearsal|Practice|Training|Meeting} on $day {cancelled|moved to $time|}", "{Annual general meeting|Summer party|Jumble sale|Work party|Trip to $place} on $date", "$Club: {news for $month|rota|volunteers wanted|membership fee}", "{Parents' evening|Class 4b: trip to $place|School closed on $day}", "{Minutes of the|Agenda for the} $club meeting"],
        ["{Dear members,|Dear all,|Hi everyone,|Dear parents,|Dear neighbours,|Hello all,|}", "{$day's {rehearsal|practice|meeting} is {cancelled|moved to $time}, since the hall is taken.|the {annual meeting|summer party|work party} is on $date at $time. {Please bring something to eat.|Please tell $first if you can help.|}|class 4b goes to $place on $date. Please pack lunch and rain clothes, and send back the slip by $day.|the membership fee of $amt is due in $month. You can pay by transfer or in cash to $first.|we still need {two|three|five} volunteers for the {bar|cake stand|car park|first aid tent} on $day.}", "{$prose|The hall must be left as we found it.|Lifts can be shared, ask $first.|The road will be closed from $time.|}", "{Best wishes,|Yours,|On behalf of the committee,|See you there,|}\n$me1 {$melast1|(secretary)|}"]),
    "jobs": (["job applications", "recruiting", "applications", "careers", "human resources"], "applications, interviews, human resources", "person",
        ["{Application|My application}: $job", "{Interview|Second interview} on $date", "Your application as $job", "{Re: |}$job position", "Payslip for $month", "{Holiday request|Sick note|Parental leave}", "References for $first $last"],
        ["{Dear $to1,|Dear Ms $tolast1,|Dear Mr $tolast1,|Dear hiring team,|Hello,|}", "{I would like to apply for the position of $job that you advertise. My CV is attached.|thank you for your application as $job. We would like to invite you to an interview on $date at $time.|thank you for your interest in working with us. We have decided to go on with other candidates this time.|your payslip for $month is in the portal.|I would like to take leave from $date to $date.|$First $last has named you as a reference. Could you spare ten minutes on the phone?}", "{I have worked as $job for $n1 years, most recently in $place.|The interview takes about an hour; you will meet $first and $first.|We keep your details for six months unless you object.|$First will stand in for me.|}", "{Yours sincerely,|Kind regards,|Best regards,|}\n$me1 $melast1"]),
    "notice": (["software notifications", "notifications", "automated messages", "development", "alerts"], "messages of programs: builds, issues, monitoring", "robot",
        ["[$repo] {Build failed|Build #$n4 passed|Issue #$n4: $subj|Pull request #$n4: fix $subj}", "{ALERT|RESOLVED|WARNING}: {disk space|latency|queue length} on $host", "{Backup|Cron} report for $host", "{Re: |}[$repo] $subj {crashes|is slow|documentation} (#$n4)", "$first {commented on|assigned you|mentioned you in} $repo#$n4", "Your weekly report"],
        ["{build #$n4 of {main|feature/$topic} failed after $n2 minutes.\n\n  step: {test|lint|deploy}\n  error: exit status $n1|$first commented:\n\n> {could you rebase this? There is a conflict in the $subj part.|I cannot reproduce it with version $n1.$n2.|LGTM, one nit below.}|{disk usage|load|error rate} on $host is {above|back below} {80|90|95} %.\nSince: $date $time|backup of $host finished: $n5 files, $n2 GB, 0 errors.|$first opened an issue:\n\nSteps to reproduce:\n1. start with an empty $subj\n2. press save\n\nExpected: it is saved. Seen: nothing.}", "{View it: $url|You are receiving this because you are subscribed to this thread.|--\nReply to this e-mail directly or view it at $url|}"]),
    "health": (["health", "appointments", "medical", "health appointments"], "doctors, dentists, pharmacies and results", "shop",
        ["{Reminder|Confirmation}: {appointment|check-up} on $date", "Your {test results|prescription} {are|is} ready", "{Dentist|Eye test|Physiotherapy}: $day at $time", "{Vaccination|Blood donation} in $place"],
        [HELLO, "{this is a reminder of your appointment {with Dr $last |}on $date at $time.|your results are ready. Please sign in to the patient portal, or call us between 10 and 12.|your repeat prescription can be collected from $day.|it is six months since your last check-up. Please ring to make an appointment.}", "{If you cannot come, let us know 24 hours before.|Please bring your card and a list of your medicines.|Do not eat for eight hours before the test.|}", "{The surgery, $n2 $last Street|Practice of Dr $last|Reception\n$shop1}"]),
    "office": (["government", "official notices", "taxes and offices", "administration"], "tax office, council, courts, universities", "office",
        ["{Your|} {tax return|council tax|registration|library card|parking permit} {$year|: next steps|reminder}", "{Receipt of your application|Your request} $code", "Polling card for $date", "{Library|University} notice: {books due|enrolment}", "Change to bin collection"],
        ["{Dear resident,|Dear $to1 $tolast1,|Dear student,|Dear Sir or Madam,|Hello,|}", "{we have received your {application|tax return|registration} (reference $code). You need not do anything now.|{two|three} of your library books are due on $date. You can renew them at the desk or in the catalogue.|enrolment for the next term is open until $date.|your parking permit ends on $date. Renew it at the town hall or in your account.|because of the holiday, bins are collected on $day instead of $day.}", "{It may take up to six weeks.|Opening hours: Monday to Friday, 9 to 16.|We never ask for payment by e-mail.|}", "{City of $place|$place council|Registrar's office, University of $place|$place library}"]),
    "list": (["mailing lists", "discussion", "technical discussion", "mailing list"], "discussions on mailing lists", "friend",
        ["{Re: |}[$topic] {question about|thoughts on|announcement:} $subj", "{Re: |}$topic: $subj?", "[$repo-users] {Re: |}{release $n1.$n2|$subj}", "[ANN] $repo $n1.$n2"],
        ["{On $day, $first $last wrote:\n> $prose1\n|Hi all,|Hello list,|}", "{I see it the other way round.|Does anybody here have experience with $topic?|We tried this two years ago and gave up.|Version $n1.$n2 is out. Thanks to $first and $first for the patches.|That is a known problem, see the archive of $month.|+1 from me.}", "$prose", "$me1", "{_______________________________________________\n$repo-users mailing list\nhttps://lists.$dom1/$repo-users|-- \nTo leave the list, write to leave@$dom1|}"]),
    "academic": (["research", "academic announcements", "university", "conferences", "calls for papers"], "conferences, positions, books and questions among researchers", "person",
        ["{CFP|Call for papers|2nd call}: {workshop|symposium|conference} on $subj1", "{Summary|Sum|Query}: $topic1", "{PhD position|Postdoc|Lectureship|Chair} {in|at} $place1", "{Book|Journal} {announcement|notice|review}: $Topic1", "{Programme|Registration|Deadline extended}: $place1 $year1", "{Seminar|Colloquium|Talk} on $day: $topic1", "{Reviewer|Re: your paper|Proofs} {invitation|$n4|}", "Wanted: {references|data|speakers} on $topic1"],
        ["{Dear colleagues,|Dear all,|Dear list members,|** apologies for multiple postings **|CALL FOR PAPERS|}", "{the {third|fifth|tenth} {workshop|international conference|summer school} on $topic1 will be held in $place1, {from $date to $date|$month $year1}. We invite papers on all aspects of the field.|some weeks ago I asked about $topic1. Many thanks to all who answered; here is a summary.|the Department of $Topic1 at the University of $place1 invites applications for a {three-year|permanent|part-time} position, to begin in $month.|does anybody know of work on $topic1 in other languages? References would be most welcome.|the following book is now available: $first $last ({ed.|eds.}), $Topic1: {an introduction|new perspectives|a reader}, $n3 pages, {cloth|paper} $amt.|we would be grateful if you could review the paper named below by $date.|on $day, $time, $first $last ($place1) will speak on $topic1 in room $n3.}",
         "{Abstracts of {one page|500 words|at most two pages} should reach us by $date. Notification: $date. Camera-ready copy: $date.|Invited speakers: $first $last ($place), $first $last ($place). Programme committee: $first $last, $first $last, $first $last.|Applicants should send a CV, a list of publications and the names of two referees to the address below by $date.|Registration fee: $amt, students $amt.|$prose|1. $prose\n2. $prose|Contents: $prose}", "{Further information: $url1|$prose|Please pass this on to whoever may be interested.|}", "{Best wishes,|With thanks in advance,|For the organizers,|Regards,|}\n$me1 $melast1\n{Dept. of $Topic1, University of $place1|$place1|tel +$n2 $n3 $n6, fax +$n2 $n3 $n6|}"]),
    "operations": (["operations", "logistics", "internal", "work", "business"], "short notes among the staff of a firm about deliveries, contracts and numbers", "person",
        ["{Re: |fw: |}{$subj|contract $n5|deal $n6|$month {volumes|deliveries|actuals|numbers}|{meter|site|unit|load} $n4|$shop {invoice|contract|payment}}", "{revised|updated|preliminary} {schedule|numbers|forecast} for {$date|$month}", "{Re: |}{missing|new} {tickets|counterparties|rates}", "{shift|vacation|org} {change|schedule|chart}", "{staff|floor} meeting {moved|notes}", "{Re: |}{$first|$first - $subj}"],
        ["{$to1,|$to1 -|all,|team,|}", "{please {change|adjust|extend|enter} {deal|contract|order} $n6 {to $n4 a day|through $date|as of $month}.|attached are the {revised|final} numbers for $month. The {volume|rate|total} for {site|unit|meter} $n4 was {wrong|missing}.|$shop {confirmed|has not paid|called about} the {delivery|shipment|invoice} of $date. {Can you check?|Who handles this now?|}|{unit|truck|line|pump} $n2 was {down|late} for $n1 hours on $day; we {made up|lost} $n3.|I spoke with $first this morning. They can take $n3 a day at $n1.$n2 from $date on.|effective $date, $first $last joins the {risk|credit|scheduling|legal|pricing} group and reports to $first.|per our conversation, see the note below from $first.|let's get together {this afternoon|on $day} on the $subj. I want to close it by the end of the {week|month|quarter}.}",
         "{Nothing else has changed.|Call me at x$n4 with questions.|Let me know if this does not match what you have.|$first will cover for me until $day.|Thanks for your help on this.|The old ticket is $n6, the new one $n6.|$prose|}", "{thanks,|thx|Thanks!|}\n{$me1|$me1 $melast1|}", "$quote"]),
}
SPAM = {
    "phishing": (["phishing", "fraud", "scams", "suspicious"], "pretends to be somebody else to get passwords, cards or money", "fake",
        ["{Your account|Your $brand account|Your mailbox} {will be suspended|has been limited|is on hold|needs verification}", "{Action required|Final notice|URGENT|Important}: {verify your account|update your payment details|confirm your identity}", "{Unusual activity|Suspicious login} {detected|on your account}", "Your {parcel|package} {could not be delivered|is being held}", "{Payment declined|Your subscription has expired}: update your card", "You have {1|2|3} {pending|undelivered} {messages|documents}", "{Tax refund|Refund} of $amt: claim now", "Document shared with you: {salary list|invoice|contract}", "{Voicemail|Fax} received ($n2 sec)", "{Delivery|Parcel} {failed|suspended}: {confirm your address|pay the fee}", "$brand: {your package|your shipment} $code {waits|is on hold}", "Your {mailbox|storage} is {98|99} % full"],
        ["{Dear customer,|Dear user,|Dear $toaddr1,|Dear valued member,|Attention!|Hello,|}", "{we {detected|noticed} unusual activity {on|in} your account and have {limited|suspended} it {for your protection|until you verify your details}.|your parcel $code is held at our depot, because {a customs fee|a delivery fee} of $amt has not been paid.|your last payment was declined. {Update|Confirm} your card within {24|48} hours to avoid losing your account.|your mailbox has reached its limit. Messages will be deleted {today|in 24 hours} unless you upgrade it now.|our records show that you are entitled to a refund of $amt.|somebody has shared a confidential document with you. Sign in with your e-mail password to view it.|your password expires today. Keep your current password below.}",
         "{VERIFY NOW|Click here|Confirm my account|Update payment|PAY THE FEE|Release my messages|Keep my password|View document} ({$badurl|http://$ip/{login|secure|verify}?id=$n6})", "{Failure to do so will {result in permanent suspension|lead to the deletion of your account}.|This link expires in {12|24|48} hours.|Have your card number and security code ready.|If you ignore this message, legal action may follow.|}", "{$brand Security Team|IT Helpdesk|Account Department|Customer Support $brand|Webmail Administrator|The $brand Team}"]),
    "advance": (["fraud", "scams", "scam"], "promises of money that is to be paid for in advance", "badperson",
        ["{CONFIDENTIAL|Business proposal|Compensation fund|From the desk of {Mr|Mrs|Barrister} $first $last}", "{You have won|Congratulations! You won} {$big|the lottery}", "{Donation|Inheritance|Unclaimed fund} {of $big|for you}", "{Loan offer|Do you need a loan} at {2|3} % {interest|}", "Re: your fund transfer"],
        ["{Dear friend,|Dear beloved,|Attention beneficiary,|Greetings to you,|Good day,|Dear sir/madam,|}", "{I am {Barrister|Mr|Mrs|Dr|Engineer} $first $last, {attorney to|a banker in charge of the account of|the widow of} a late client who {left|deposited} {the sum of |}$big and no next of kin.|your e-mail address has won {the sum of |}$big in our {annual|international} draw.|I have decided to donate $big to you, for charity, before my operation.|we offer loans from {5,000 to 10 million|10,000 to 50 million} at {2|3} % interest, no collateral, approval in 24 hours.|your compensation payment of $big has been approved by the {United Nations|central bank} and is ready on an ATM card.}",
         "{I seek your consent to present you as the next of kin. You will keep {30|40} %.|Send your full name, address, phone number, age and a copy of your passport.|You only have to pay the delivery charge of $amt.|This transaction is 100 % risk free and must be kept secret.|Contact our agent at $badaddr for your claim.|}", "{Remain blessed,|God bless you,|Yours in trust,|Best regards,|}\n{Mr|Mrs|Barrister|Dr} $first $last"]),
    "pills": (["spam", "junk", "advertising", "unsolicited advertising"], "unasked-for advertising", "fake",
        ["{Cheap|Discount|Generic} {meds|pills|medication} {without prescription|shipped overnight|}", "{Lose|Burn} $n2 {lbs|pounds|kg} in {10|14|30} days", "{Doctors hate this|The secret that doctors hide|One weird trick}", "{Re: |}your {order|prescription} - $n2 % OFF {today|now}", "{Last longer|Feel 20 again|Boost your energy}", "{CBD gummies|Keto gummies|Hair growth serum}: free {bottle|trial}", "{Replica|Luxury} {watches|handbags} from $amt"],
        ["{|Hello,|Dear friend,|Hi $toaddr1,}", "{why pay more? Order {brand name|generic} {pills|medication} from our licensed online pharmacy, no prescription needed.|melt fat while you sleep with this ancient {mountain tea|root|fruit}. No diet, no exercise.|men all over the world are raving about this {natural formula|small capsule}.|top quality {replica watches|designer bags|sunglasses}, you cannot tell them from the originals.|claim your FREE {bottle|trial} today, just pay shipping.}", "{ORDER NOW|CLICK HERE|Visit our shop|Claim yours|BUY 1 GET 2 FREE} {>>> |}{($badurl)|$badurl}", "{100 % money back. Discreet packaging. Worldwide shipping.|Only $n2 left in stock!|As seen on TV.|Results are not guaranteed.|}", "{To be removed click here ($badurl)|Unsubscribe: $badurl|If you wish not to receive further offers, write to $badaddr.|$noise|}"]),
    "riches": (["spam", "junk", "advertising", "scams"], "quick money, casinos, coins", "fake",
        ["{Make|Earn} $big {a month|from home|with no experience}", "{Bitcoin|Crypto|Forex} {robot|signals|loophole} {made me rich|pays $amt a day}", "{$n3 free spins|Welcome bonus $amt}", "{Your deposit of|You have} {0.$n2 BTC|$amt} {is waiting|pending}", "{Work from home|Part-time job}: $amt per {day|hour}", "{Hot stock|This penny stock} {will explode|is set to triple}", "You have been selected: {gift card|survey|new phone}", "{Last chance|Final call}: claim your {prize|reward}"],
        ["{|Hi,|Hello future millionaire,|Dear winner,|Congratulations!|Hello $toaddr1,}", "{this {robot|system|loophole} trades for you while you sleep. Members make {$amt|$big} a {day|week} with no experience.|deposit $amt and play with {double|triple}. {Slots, roulette, blackjack|$n3 free spins} are waiting.|your account holds {0.$n2 BTC|$big} that has not been withdrawn. Log in within 24 hours or it is lost.|we need people in your area to {receive parcels|like videos|process payments} from home. $amt per {day|week}, no interview.|answer a short survey and get a {phone|gift card worth $amt}. Only $n2 left.|insiders are loading up on $TICK. Buy before {$day|the announcement}.}", "{START NOW|Claim now|JOIN FREE|Activate my account|Withdraw funds|Apply on WhatsApp +$n2 $n6} {($badurl)|>> $badurl|}", "{Limited places!|This offer ends at midnight.|18+. Terms apply.|Results vary.|$noise|}", "{Unsubscribe ($badurl)|To stop these mails click here ($badurl)|}"]),
    "stocks": (["spam", "junk", "scams", "stock tips"], "shares that are praised to whoever reads it", "fake",
        ["$TICK: {the next ten-bagger|strong buy|do not miss this move}", "{Trading|Investor|Market} alert: {$TICK|small cap} to {soar|run|double} on $day", "{Wall Street|Insiders} {are|is} watching {$TICK|this company}", "{Our|The} {pick|stock} of the {week|month} {is out|is here}"],
        ["{Dear investor,|Investors,|Attention traders,|Hello,|}", "{Symbol: $TICK\nPrice now: {0|1}.$n2 USD\nTarget: {2|3|5}.$n2 USD|$TICK is {a young company|an oil explorer|a lithium miner|a biotech firm} whose share stands at {0|1}.$n2 USD and {may|will} be worth {three|five|ten} times that by $day.|our last pick went up $n3 % in {two|four} days. The next one is $TICK.|news of a {contract|discovery|licence} is expected on $day, and then it is too late.}", "{Get in before the crowd does.|Add $TICK to your radar first thing on $day.|Volume is building. Do your own research, but do it fast.|We expect a buying frenzy.}", "{This newsletter is paid for by a third party. We may hold and sell shares.|Forward-looking statements involve risk.|Unsubscribe ($badurl)|$noise|}"]),
    "miracle": (["spam", "junk", "advertising", "health scams"], "cures, diets and gadgets told as a story", "fake",
        ["{How|The trick that helped} {$first|a nurse|this mother of three} {lost|dropped} $n2 {lbs|pounds|kilos}", "{He|She|My neighbour} {threw away the glasses|stopped snoring|sleeps again} after {one week|this}", "{Doctors|Dentists|Banks} {are speechless|do not tell you this}", "{This|A} {fruit|root|spice|gadget} {melts belly fat|ends joint pain|halves your power bill}"],
        ["{Hi,|Hello $to1,|Dear reader,|}", "{$First from $place was $n2 and had tried every diet. Then her sister told her about a {berry|tea|drop} that is taken before bed.|it takes ten seconds each morning, and {the kilos|the pain|the ringing in your ears} {melts away|is gone}, without exercise.|a {professor|former engineer} in $place has found a way to {cut the electricity bill by half|see like an eagle|grow hair again}, and the industry wants it banned.}", "{In {two|three|six} weeks she was down $n2 pounds and wore her wedding dress again.|{Thousands|$n3,000 people} have seen the video before it was taken down.|The first $n2 who order get a second bottle for nothing.}", "{Watch the video|Read her story|See how it works|Try it without risk} ($badurl)", "{Results vary from person to person.|Not evaluated by any authority.|Unsubscribe: $badurl|}"]),
    "services": (["unsolicited offers", "cold sales", "spam", "advertising"], "firms that offer what nobody asked for", "badperson",
        ["{Rank your website #1|SEO proposal for your website|More traffic for your site}", "{Web design|App development|Guest post|Link exchange} {proposal|offer|}", "{E-mail list|Leads}: $n3,000 {dentists|CEOs|companies}", "{Re: |}{Manufacturer of|Factory price for} {$thing|LED lights|steel pipes|PPE}", "{Quick question|Following up|Did you see my last mail?}", "Your domain {expires|is about to expire}"],
        ["{Hi,|Hello,|Dear Sir/Madam,|Dear manager,|Hi there,|Greetings of the day!}", "{I was on your website and noticed that it does not rank on the first page of {Google|search engines}. We can bring it there in {30|60|90} days.|we are a {leading|professional} {factory|exporter|manufacturer} of {$thing|LED lights|valves|packaging} in {Shenzhen|Ningbo|Guangzhou} with best price and good quality.|we have a verified list of $n3,000 {dentists|decision makers|e-mail addresses} with phone numbers for only $amt.|we are an offshore team of $n3 developers and would love to build your {app|website} at a low price.|I would like to publish a guest post with a link on your website and can pay $amt.|I did not hear back on my last mail, so I try again.}", "{Shall I send you a quote with price list?|Reply with your phone number and we will call you.|First order 20 % discount. MOQ $n3 pieces.|We guarantee results or your money back.|Just reply 'yes'.|}", "{Thanks and regards,|Best regards,|}\n$first {$last|}\n{Business development manager|Marketing executive|Sales manager|}"]),
    "fakebill": (["fraud", "scams", "phishing", "malware"], "false bills, threats and orders from a false chief", "badperson",
        ["{Invoice|Order} $n6 {attached|overdue - final warning}", "Your {antivirus|support} plan {renews|was renewed}: $amt", "{Are you at your desk?|Quick task|Urgent request}", "{I recorded you|Your device was hacked|Pay or I send it to everyone}", "{Payment advice|Swift copy|Purchase order} $n5", "{Lonely|Hello handsome|Looking for a serious man}"],
        ["{Hello,|Dear customer,|Hi,|Good day,|}", "{thank you for your purchase. {$amt|US$ $n3.99} will be charged for {antivirus total protection|premium support, 3 years} today. If you did not order this, call +1 (8$n2) $n3-$n4 at once to cancel.|kindly open the attached invoice and pay the outstanding amount today to avoid legal action.|are you free? I need you to buy gift cards worth $amt for a client. Scratch them and send me the codes. I am in a meeting, so no calls.|I have had access to your device for months and recorded you through the camera. Pay $amt in bitcoin within 48 hours or all your contacts will see it.|see attached {payment advice|purchase order} and confirm the bank details for the transfer.|I am a pretty girl of $n2 and found your profile. I feel lonely and would like to know you. Write to me at $badaddr.}", "{Wallet: $code$code$code|Open the file and enable macros to view it.|Do not tell anyone about this, it is a surprise.|Do not reply to this address.|My photos are here: $badurl|}", "{Billing department|Regards,\n$first $last\n{CEO|Managing director}|Sent from my iPhone|Help line 24/7: +1 8$n2 $n3 $n4|$first}"]),
}
BRANDS = "PayPal|Amazon|Netflix|DHL|Microsoft|Apple|Outlook|FedEx|your bank|Webmail|UPS|DocuSign|Dropbox|the tax office|Royal Mail|Instagram|Facebook|Coinbase|Spotify|USPS|HMRC|IRS".split("|")
JOBS = "nurse|software engineer|accountant|teacher|data analyst|warehouse manager|translator|cook|lab technician|project manager|gardener|editor|electrician|sales assistant|librarian".split("|")
# Mail in other languages, one entry each: subjects and sentences of what people write, then of what swindlers write.
FOREIGN = [
    ("de", ["Hallo $to1|Liebe Grüße aus $place|Treffen am Freitag|Deine Bestellung ist unterwegs|Protokoll der Sitzung|Rechnung $n5|Fotos vom Wochenende", "wir sehen uns am Freitag um $time, ich bringe Kuchen mit.|anbei das Protokoll der letzten Sitzung. Bitte schickt Änderungen bis $date.|deine Bestellung $n6 wurde heute verschickt und kommt voraussichtlich morgen an.|vielen Dank für deine Hilfe beim Umzug, die Regale stehen schon.|im Anhang findest du die Rechnung für $month. Der Betrag wird wie vereinbart abgebucht.|könntest du mir bis morgen die Zahlen schicken? Danke dir!|Oma geht es wieder gut, sie fragt, wann du kommst."],
        ["Ihr Konto wurde gesperrt|Sie haben gewonnen|Kredit ohne Schufa|Letzte Mahnung|Schnell reich mit Bitcoin", "Ihr Konto wurde aus Sicherheitsgründen gesperrt. Bestätigen Sie sofort Ihre Daten: $badurl|Herzlichen Glückwunsch, Sie haben $big gewonnen! Klicken Sie hier: $badurl|Sofortkredit ohne Schufa, Auszahlung in 24 Stunden. Jetzt beantragen: $badurl|verdienen Sie $amt am Tag von zu Hause aus. Nur noch heute: $badurl|zahlen Sie die offene Gebühr von $amt, sonst wird Ihr Anschluss gesperrt: $badurl"]),
    ("fr", ["Réunion de mardi|Photos des vacances|Votre commande|Merci pour hier|Facture $n5|Question sur le projet", "merci pour hier soir, c'était délicieux. Les enfants en parlent encore.|la réunion de mardi est déplacée à $time, même salle.|votre commande $n6 a été expédiée aujourd'hui.|veuillez trouver ci-joint la facture du mois de mars.|peux-tu relire le chapitre deux avant vendredi ?|nous sommes bien arrivés à $place, il fait beau et la mer est froide."],
        ["Votre compte est suspendu|Vous avez gagné|Remboursement en attente|Gagnez de l'argent", "votre compte a été suspendu. Vérifiez vos informations immédiatement : $badurl|félicitations, vous avez gagné $big ! Cliquez ici : $badurl|votre remboursement de $amt est en attente, saisissez votre carte : $badurl|perdez 10 kilos en deux semaines grâce à cette plante : $badurl"]),
    ("es", ["Reunión del jueves|Fotos del viaje|Tu pedido|Gracias|Factura $n5|Cumpleaños de $first", "gracias por tu ayuda, ya funciona todo.|la reunión del jueves empieza a las $time.|tu pedido $n6 ha salido hoy de nuestro almacén.|adjunto la factura de este mes, un saludo.|llegamos bien a $place, mañana subimos a la montaña.|¿vienes el domingo a comer? Mamá hace paella."],
        ["Su cuenta ha sido bloqueada|Ha ganado un premio|Préstamo urgente|Gane dinero desde casa", "su cuenta ha sido bloqueada. Confirme sus datos aquí: $badurl|¡felicidades! Ha ganado $big. Reclame su premio: $badurl|préstamos sin aval en 24 horas: $badurl|gane $amt al día desde casa sin experiencia: $badurl"]),
    ("it", ["Riunione|Foto|Il tuo ordine|Grazie mille|Fattura $n5", "ci vediamo domani alle $time davanti alla stazione.|il tuo ordine $n6 è stato spedito.|in allegato la fattura del mese scorso.|grazie mille per il libro, l'ho già finito.|la riunione è spostata a venerdì."], ["Il suo conto è sospeso|Hai vinto|Ultimo avviso", "il suo conto è stato sospeso, verifichi subito i dati: $badurl|complimenti, hai vinto $big! Clicca qui: $badurl|il pacco è fermo, paghi $amt: $badurl"]),
    ("nl", ["Vergadering|Foto's|Je bestelling|Bedankt|Factuur $n5", "bedankt voor gisteren, het was erg gezellig.|je bestelling $n6 is onderweg.|de vergadering van vrijdag begint om $time.|in de bijlage de factuur van deze maand.|kun je zaterdag op de kat passen?"], ["Uw rekening is geblokkeerd|U heeft gewonnen|Laatste waarschuwing", "uw rekening is geblokkeerd, bevestig uw gegevens: $badurl|gefeliciteerd, u heeft $big gewonnen: $badurl|betaal $amt voor uw pakket: $badurl"]),
    ("pl", ["Spotkanie|Zdjęcia|Twoje zamówienie|Dziękuję|Faktura $n5", "dziękuję za pomoc, wszystko działa.|twoje zamówienie $n6 zostało wysłane.|spotkanie w piątek zaczyna się o $time.|w załączniku faktura za ten miesiąc.|dojechaliśmy szczęśliwie, pogoda jest piękna."], ["Twoje konto zostało zablokowane|Wygrałeś|Szybka pożyczka", "twoje konto zostało zablokowane, potwierdź dane: $badurl|gratulacje, wygrałeś $big: $badurl|szybka pożyczka bez zaświadczeń: $badurl"]),
    ("ru", ["Встреча в пятницу|Фотографии|Ваш заказ|Спасибо|Отчёт за месяц|Как дела?", "спасибо за помощь, всё получилось.|встреча переносится на пятницу, начало в $time.|ваш заказ $n6 отправлен сегодня.|посылаю отчёт за прошлый месяц, посмотри третью страницу.|мы доехали хорошо, дети уже купаются. Бабушка передаёт привет.|когда приедешь в гости? Давно не виделись."],
        ["Ваш счёт заблокирован|Вы выиграли|Кредит без справок|Заработок в интернете", "ваш счёт заблокирован. Подтвердите данные: $badurl|поздравляем, вы выиграли $big! Получите приз: $badurl|кредит без справок за один час: $badurl|зарабатывайте $amt в день не выходя из дома: $badurl"]),
    ("zh", ["会议时间|照片|您的订单|谢谢|报告|周末聚餐", "谢谢你的帮助，问题已经解决了。|周五的会议改到下午三点，请准时参加。|您的订单 $n6 已经发货，预计明天送到。|附件是上个月的报告，请看第三页。|我们已经到了，天气很好，孩子们很高兴。|周末一起吃饭吧，妈妈想见你。"], ["您的账户已被冻结|恭喜中奖|低息贷款|代开发票|兼职赚钱", "您的账户已被冻结，请立即验证：$badurl|恭喜您获得 $big 大奖，点击领取：$badurl|低息贷款，当天放款，无需抵押：$badurl|本公司代开各种发票，联系电话 1$n4$n6|在家兼职，每天赚 $amt，加微信：$badurl"]),
    ("ja", ["会議の件|写真|ご注文の商品|ありがとう|報告書", "先日はありがとうございました。とても楽しかったです。|金曜日の会議は三時からに変更になりました。|ご注文の商品 $n6 を本日発送いたしました。|先月の報告書を添付します。ご確認ください。|週末に遊びに来ませんか。母も楽しみにしています。"], ["アカウント停止のお知らせ|当選おめでとうございます|緊急のご連絡", "お客様のアカウントは停止されました。こちらで確認してください：$badurl|おめでとうございます！$big が当選しました：$badurl|簡単な副業で毎日 $amt 稼げます：$badurl"]),
    ("pt", ["Reunião|Fotos|O seu pedido|Obrigado|Fatura $n5", "obrigado pela ajuda, já está tudo a funcionar.|a reunião de sexta começa às $time.|o seu pedido $n6 foi enviado hoje.|em anexo segue a fatura deste mês.|chegamos bem, está sol e o mar está ótimo."], ["A sua conta foi bloqueada|Ganhou um prémio|Empréstimo urgente", "a sua conta foi bloqueada, confirme os dados: $badurl|parabéns, ganhou $big: $badurl|empréstimo sem fiador em 24 horas: $badurl"]),
    ("tr", ["Toplantı|Fotoğraflar|Siparişiniz|Teşekkürler", "yardımın için teşekkürler, her şey çalışıyor.|cuma günkü toplantı saat $time'da başlıyor.|siparişiniz $n6 kargoya verildi.|sağ salim vardık, hava çok güzel."], ["Hesabınız kapatıldı|Tebrikler kazandınız|Hızlı kredi", "hesabınız kapatıldı, bilgilerinizi doğrulayın: $badurl|tebrikler, $big kazandınız: $badurl|kefilsiz kredi bir saatte: $badurl"]),
    ("ar", ["اجتماع يوم الخميس|صور الرحلة|طلبك|شكرا", "شكرا على مساعدتك، كل شيء يعمل الآن.|تم نقل الاجتماع إلى يوم الخميس الساعة الثالثة.|تم شحن طلبك رقم $n6 اليوم.|وصلنا بخير والطقس جميل."], ["تم إيقاف حسابك|مبروك لقد ربحت|قرض فوري", "تم إيقاف حسابك، أكد بياناتك الآن: $badurl|مبروك! لقد ربحت $big، اضغط هنا: $badurl|قرض فوري بدون ضمانات: $badurl"]),
]
# Label sets that sort a whole mailbox: (names to choose from, kinds under them); a set need not have a place for every kind.
UMBRELLAS = [
    [("work|work mail|office|business", ("meeting", "work", "jobs", "notice", "list", "operations", "academic")), ("personal|private|family and friends", ("family", "club", "health")), ("newsletter|newsletters", ("newsletter", "shopnews")), ("invoices|bills|invoice|payments and orders|purchases", ("invoice", "order", "travel", "statement")),
     ("support|customer requests|support requests", ("support",)), ("spam|junk", ("pills", "riches", "stocks", "miracle", "services", "advance")), ("phishing|fraud", ("phishing", "fakebill"))],
    [("work|job", ("meeting", "work", "jobs", "operations")), ("family|private|friends", ("family",)), ("spam|junk|unwanted|trash", tuple(SPAM))],
    [("work", ("meeting", "work", "operations")), ("family", ("family",)), ("invoices|receipts", ("invoice", "order")), ("newsletters", ("newsletter",)), ("spam", tuple(SPAM))],
    [("primary|personal", ("family", "work", "meeting", "jobs", "club")), ("promotions|offers", ("shopnews",)), ("updates|notifications", ("order", "invoice", "statement", "travel", "security", "notice", "health", "office")), ("forums|discussions", ("list", "academic")), ("newsletters|reading", ("newsletter",)), ("spam", tuple(SPAM))],
    [("written by a person|from a person", ("family", "work", "meeting", "support", "list", "jobs", "club", "operations")), ("sent by a machine|automatic message", ("order", "invoice", "statement", "security", "notice", "travel"))],
    [("important", ("work", "meeting", "family", "health", "office", "statement", "security", "jobs", "operations")), ("can wait|read later", ("newsletter", "shopnews", "list", "club", "academic")), ("delete|junk", tuple(SPAM))],
    [("customers|customer mail", ("support",)), ("colleagues|internal", ("meeting", "work", "operations")), ("suppliers and bills|accounting", ("invoice", "order")), ("applicants|human resources", ("jobs",)), ("unwanted|spam", tuple(SPAM))],
    [("finance|money", ("invoice", "statement")), ("travel|trips", ("travel",)), ("shopping|orders", ("order", "shopnews")), ("health", ("health",)), ("social|friends and clubs", ("family", "club")), ("work", ("work", "meeting", "jobs", "operations"))],
    [("legitimate|genuine|safe", tuple(k for k in HAM if k != "shopnews")), ("phishing|dangerous", ("phishing", "fakebill")), ("advertising|marketing", ("pills", "miracle", "services", "riches", "stocks", "shopnews"))],
]
# Kinds too near to stand in one set as alternatives.
UNLIKE = [("invoice", "statement", "order", "fakebill"), ("newsletter", "shopnews"), ("meeting", "work", "jobs", "operations"), ("support", "reply"), ("list", "notice", "work", "academic"), ("phishing", "advance", "fakebill"), ("pills", "riches", "stocks", "miracle", "services", "advance"), ("club", "family", "office"), ("security", "statement"), ("health", "meeting"),
          ("shopnews", "pills", "services")]


class Letters:
    """`prose`: stretches of real text that newsletters, colleagues and lists may quote; `rng` may be replaced at any time."""

    def __init__(self, rng, prose=()):
        self.r, self.prose = rng, list(prose)

    def domain(self):
        r = self.r
        return r.choice(HALF) + r.choice(["", "", "-"]) + r.choice(OTHER) + "." + r.choice(TLD)

    def bad_domain(self):
        r = self.r
        word = lambda: r.choice(HALF + OTHER + ["secure", "login", "verify", "bonus", "pharma", "prize", "account", "deal", "update", "cash", "crypto", "slim", "offer"])
        return f"{word()}{r.choice(['', '-', '-', '.'])}{word()}{r.choice(['', r.randrange(1000), '-' + word()])}.{r.choice(['com', 'ru', 'xyz', 'top', 'info', 'biz', 'click', 'cn', 'tk', 'online', 'net', 'site'])}"

    def sentences(self, n):
        """A few sentences of real text."""
        if not self.prose:
            return ""
        s = re.split(r"(?<=[.!?])\s+", self.r.choice(self.prose))
        a = self.r.randrange(max(1, len(s) - n))
        return " ".join(" ".join(s[a: a + n]).split())[:700]

    def filler(self, name):
        r = self.r
        if m := re.fullmatch(r"n([1-6])", name):
            k = int(m[1])
            return str(r.randrange(10 ** (k - 1), 10 ** k))
        day = lambda: r.choice([f"{r.randint(1, 28)} {r.choice(MONTHS)}", f"{r.choice(MONTHS)} {r.randint(1, 28)}", f"{r.randint(1, 28):02}/{r.randint(1, 12):02}/{r.randint(2011, 2026)}", f"{r.randint(1, 28)} {r.choice(MONTHS)} {r.randint(2011, 2026)}", f"{r.randint(2011, 2026)}-{r.randint(1, 12):02}-{r.randint(1, 28):02}"])
        amount = lambda: r.choice(["£{}", "${}", "€{}", "{} €", "EUR {}", "USD {}", "{} kr", "CHF {}"]).format(r.choice([f"{r.randint(3, 400)}.{r.choice(['00', '49', '50', '90', '95', '99'])}", str(r.randint(5, 900))]))
        match name:
            case "to" | "me" | "first" | "First": return r.choice(FIRST)
            case "last" | "tolast" | "melast": return r.choice(LAST)
            case "shop": return (r.choice(HALF) + r.choice(["", " "]) + r.choice(OTHER)).title() + r.choice(["", "", "", " Ltd", " GmbH", " Inc."])
            case "dom": return self.domain()
            case "url": return f"https://{r.choice(['', 'www.', 'mail.', 'my.'])}{self.domain()}/{r.choice(HALF)}{r.choice(['', '/' + str(r.randrange(10 ** 6)), '?u=' + format(r.randrange(10 ** 9), 'x')])}"
            case "badurl": return f"http{r.choice(['', 's'])}://{self.bad_domain()}/{r.choice(['', 'go', 'claim', 'login', 'r', 'offer'])}{r.choice(['', '?e=' + format(r.randrange(10 ** 9), 'x'), '/' + str(r.randrange(10 ** 5))])}"
            case "badaddr": return f"{r.choice(FIRST).lower()}{r.choice(LAST).lower()}{r.randrange(1000)}@{r.choice(PROVIDERS + [self.bad_domain()])}"
            case "toaddr": return f"{r.choice(FIRST).lower()}.{r.choice(LAST).lower()}@{r.choice(PROVIDERS + [self.domain()])}"
            case "ip": return ".".join(str(r.randint(11, 223)) for _ in range(4))
            case "thing": return r.choice(THINGS)
            case "place": return r.choice(PLACES)
            case "subj": return r.choice(SUBJECTS)
            case "Subj": return r.choice(SUBJECTS).capitalize()
            case "club": return r.choice(CLUBS)
            case "Club": return r.choice(CLUBS).capitalize()
            case "topic": return r.choice(TOPICS)
            case "Topic": return r.choice(TOPICS).capitalize()
            case "job": return r.choice(JOBS)
            case "brand": return r.choice(BRANDS)
            case "repo": return r.choice(HALF) + r.choice(["", "-"]) + r.choice(OTHER)
            case "host": return f"{r.choice(['web', 'db', 'mail', 'build', 'node'])}{r.randint(1, 40):02}"
            case "day": return r.choice(DAYS)
            case "month": return r.choice(MONTHS)
            case "year": return str(r.randint(2011, 2026))
            case "date": return day()
            case "time": return r.choice([f"{r.randint(8, 19)}:{r.choice(['00', '15', '30', '45'])}", f"{r.randint(1, 12)} {r.choice(['am', 'pm'])}"])
            case "amt": return amount()
            case "big": return r.choice(["$", "US$ ", "€", "£", "USD "]) + f"{r.randint(1, 950)},{r.choice(['000', '500'])}" + r.choice(["", ",000", " million"])
            case "code": return "".join(r.choice("ABCDEFGHJKLMNPRSTUVWXYZ0123456789") for _ in range(r.randint(5, 11)))
            case "TICK": return "".join(r.choice("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(4))
            case "prose": return self.sentences(r.randint(1, 4))
            case "headline": return self.sentences(1)[:70]
            case "noise": return " ".join(r.choice(HALF + OTHER) for _ in range(r.randint(8, 40)))
            case "items":
                head = lambda: r.choice(["{}", "* {}", "## {}", "{}\n---"]).format(r.choice([r.choice(TOPICS).capitalize(), self.sentences(1)[:60].upper(), "This week", "Worth reading", "From the archive"]))
                return "\n\n".join(f"{head()}\n{self.sentences(r.randint(1, 5))}" + r.choice(["", f" ({self.filler('url')})", f"\nRead more: {self.filler('url')}"]) for _ in range(r.randint(1, 5)))
            case "quote":
                if r.random() < 0.6:
                    return ""
                return f"On {day()}, {r.choice(FIRST)} {r.choice(LAST)} wrote:\n" + "\n".join("> " + l for l in re.findall(r".{1,70}(?:\s|$)", self.sentences(3)))
        raise KeyError(name)

    def expand(self, text, kept):
        while (new := re.sub(r"\{([^{}]*)\}", lambda m: self.r.choice(m[1].split("|")), text, count=1)) != text:
            text = new

        def fill(m):
            name, same = m[1], m[2] == "1" and m[1] != "n"
            if not same:
                return self.filler(name + m[2])
            return kept.setdefault(name, self.filler(name))

        return re.sub(r"\$([A-Za-z]+)([1-6]?)", fill, text)

    def envelope(self, style, kept):
        """From and To."""
        r = self.r
        me, last = kept.setdefault("me", r.choice(FIRST)), kept.setdefault("melast", r.choice(LAST))
        dom, shop = kept.setdefault("dom", self.domain()), kept.setdefault("shop", self.filler("shop"))
        to, tolast = kept.setdefault("to", r.choice(FIRST)), kept.setdefault("tolast", r.choice(LAST))
        address = kept.setdefault("toaddr", f"{to.lower()}{r.choice(['.', '', '_'])}{r.choice([tolast.lower(), tolast[0].lower()])}{r.choice(['', '', r.randrange(100)])}@{r.choice(PROVIDERS + [self.domain()] * 8)}")
        kept.setdefault("url", self.filler("url"))
        plain = f"{me.lower()}{r.choice(['.', ''])}{last.lower()}"
        match style:
            case "shop" | "bank" | "letter" | "robot" | "office":
                box = r.choice({"shop": ["noreply", "orders", "service", "info", "no-reply", "hello", "support"], "bank": ["noreply", "service", "mailbox"], "letter": ["letters", "news", "hello", me.lower()], "robot": ["notifications", "root", "builds", "alerts", "noreply"], "office": ["office", "noreply", "info", "registrar"]}[style])
                sender = f"{shop if style != 'letter' or r.random() < 0.4 else me + ' ' + last} <{box}@{dom}>"
            case "person" | "club": sender = f"{me} {last} <{plain}@{dom}>"
            case "friend": sender = f"{me}{r.choice(['', ' ' + last])} <{plain}{r.choice(['', r.randrange(100)])}@{r.choice(PROVIDERS)}>"
            case "fake": sender = f"{r.choice([r.choice(BRANDS), 'Support', 'Security Team', 'Customer Service', 'Admin', 'Best Offers', 'Prize Team', me])} <{r.choice(['info', 'support', 'noreply', 'admin', me.lower(), 'promo'])}{r.choice(['', r.randrange(1000)])}@{self.bad_domain()}>"
            case _: sender = f"{r.choice(['Mr ', 'Dr ', '', '', ''])}{me} {last} <{plain}{r.choice(['', r.randrange(1000)])}@{r.choice(PROVIDERS + [self.bad_domain()] * 6)}>"
        return sender, address if r.random() < 0.6 else f"{to} {tolast} <{address}>"

    def mail(self, kind=None):
        """(text as Lector renders a mail, kind, whether it is spam)."""
        r = self.r
        if kind is None:
            kind = r.choice(list(HAM)) if r.random() < 0.6 else r.choice(list(SPAM))
        _, _, style, subjects, parts = (HAM | SPAM)[kind]
        kept = {}
        sender, to = self.envelope(style, kept)
        if kind in SCENES and r.random() < 0.4:
            subjects, parts = zip(r.choice(SCENES[kind]))
        subject = self.expand(r.choice(subjects), kept)
        body = [p for p in (self.expand(p, kept).strip() for p in parts) if p]
        body = [p[:1].upper() + p[1:] if i and r.random() < 0.9 else p for i, p in enumerate(body)]
        sep = r.choice(["\n\n"] * 4 + ["\n", " "])
        text = sep.join(body)
        if kind in SPAM and r.random() < 0.1:
            text = text.upper()
        if kind in SPAM and r.random() < 0.15:
            subject = subject.upper() + r.choice(["", "!", "!!!"])
        return self.headed(sender, to, subject, text), kind, kind in SPAM

    def headed(self, sender, to, subject, text):
        r = self.r
        lines = [f"From: {sender}", f"To: {to}"] if r.random() < 0.85 else [f"From: {sender}"] if r.random() < 0.5 else []
        lines.append("Subject: " + " ".join(subject.split()))
        if r.random() < 0.1:
            lines.append("Attachments: " + r.choice(["invoice.pdf (application/pdf)", "photo.jpg (image/jpeg)", "document.pdf (application/pdf)", "notes.docx", "image001.png (image/png)"]))
        return "\n".join(lines) + "\n\n" + text

    def foreign(self):
        """(text, whether it is spam) in another language."""
        r = self.r
        _, ham, spam = r.choice(FOREIGN)
        bad = r.random() < 0.45
        subjects, lines = spam if bad else ham
        kept = {}
        sender, to = self.envelope("fake" if bad else r.choice(["friend", "person", "shop"]), kept)
        lines = r.sample(lines.split("|"), r.randint(1, 1 if bad else 3))
        return self.headed(sender, to, self.expand(r.choice(subjects.split("|")), kept), self.expand(r.choice(["\n", " ", "\n\n"]).join(lines), kept) + r.choice(["", f"\n\n{kept['me']}"])), bad


if __name__ == "__main__":
    letters = Letters(random.Random(1), ["This is a sentence. Here is another one. And a third, somewhat longer than both."])
    for _ in range(int((sys.argv + ["12"])[1])):
        text, kind, bad = letters.mail()
        print(f"==== {kind} {bad}\n{text}\n")
    for _ in range(4):
        print(letters.foreign())
