#!/usr/bin/env python3
"""The same work by Python's own modules: every mail's subject, sender and text."""
import email
import mailbox
import sys
from email import policy

count = characters = 0


def parse(file):
    return email.message_from_binary_file(file, policy=policy.default)


for mail in mailbox.mbox(sys.argv[1], factory=parse):
    count += 1
    try:
        mail["subject"], mail["from"]
        body = mail.get_body(("plain", "html"))
        if body is not None:
            characters += len(body.get_content())
    except Exception:  # unknown charsets, broken headers
        pass
print(count, "mails", characters, "characters")
