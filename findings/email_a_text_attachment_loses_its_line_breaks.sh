#!/usr/bin/env bash
# Python's email.message.EmailMessage (3.11): add_attachment of a str, such as a CSV text, splits it into lines at CR, LF and CRLF and
# joins them by one kind, also with cte="base64", which could carry every byte: a CR or CRLF inside a quoted cell becomes LF, the line ends
# of the whole file become those of the policy, and a last line without an end gets one. So the file that arrives has another digest and
# other values than the text that was attached. The same text as bytes, with maintype and subtype, arrives unchanged.
# Seen: the lines below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cd "$folder"
"$folder/venv/bin/python" - <<'P' | tee "$folder/seen"
from email import message_from_bytes, policy
from email.message import EmailMessage

table = 'id,note\r\n1,"two\rlines"\r\n2,"two\nlines"'
for how, content, options in (
    ("str", table, {}),
    ("str, base64", table, {"cte": "base64"}),
    ("bytes", table.encode(), {"maintype": "text"}),
):
    message = EmailMessage()
    message.set_content("The leads of yesterday.")
    message.add_attachment(content, subtype="csv", filename="leads.csv", **options)
    sent = message_from_bytes(message.as_bytes(policy=policy.SMTP), policy=policy.default)
    (attachment,) = sent.iter_attachments()
    print(f"{how}:", attachment.get_payload(decode=True))
P
diff "$folder/seen" - <<'S'
str: b'id,note\r\n1,"two\r\nlines"\r\n2,"two\r\nlines"\r\n'
str, base64: b'id,note\n1,"two\nlines"\n2,"two\nlines"\n'
bytes: b'id,note\r\n1,"two\rlines"\r\n2,"two\nlines"'
S
