"""Mails that broke a reader of mail, or would: each by one thing that is wrong with it."""


def nested(depth: int) -> bytes:
    """Return a mail of multiparts within multiparts."""
    lines = [b"Subject: deep", b"MIME-Version: 1.0"]
    for level in range(depth):
        lines += [b'Content-Type: multipart/mixed; boundary="b%d"' % level, b"", b"--b%d" % level]
    return b"\n".join([*lines, b"Content-Type: text/plain", b"", b"bottom", b""])


def forwarded(depth: int) -> bytes:
    """Return a mail of mails within mails."""
    return b"Content-Type: message/rfc822\n\n" * depth + b"Subject: bottom\n\nbottom\n"


SPOILT = {
    "id of no character": b"From: a@b.example\nIn-Reply-To: <\xff@c>\n\nHello.\n",
    "id with a NUL": b"From: a@b.example\nIn-Reply-To: <\x00@c>\nReferences: <a\x00b@c>\n\nHello.\n",
    "id longer than a column": b"In-Reply-To: <" + b"a" * 5_000 + b"@c>\n\nHello.\n",
    "boundary in no charset": b"Content-Type: multipart/mixed; boundary*=nosuch''a%ff\n\n--a\n\nx\n--a--\n",
    "boundary with a NUL": b"Content-Type: multipart/mixed; boundary*=utf-8\x00''a\n\n--a\n\nx\n--a--\n",
    "boundary in pieces": b"Content-Type: multipart/mixed; boundary*1*=x''%ff; boundary*0=a\n\n--a\n\nx\n",
    "charset in no charset": b"Content-Type: text/plain; charset*=nosuch''utf-8%ff\n\nHello.\n",
    "charset in no charset, of no ASCII": b"Content-Type: text/plain; charset*=nosuch''a%ff\n\nHello \xff\n",
    "charset with a NUL": b"Subject: =?utf-8\x00?q?x?=\nContent-Type: text/plain; charset=a\x00b\n\nHello.\n",
    "charset that is a codec": b"Subject: =?unicode_escape?q?=5Cud800=5Cx?= =?hex?q?0?=\n\nHello.\n",
    "subject of escapes": b"Subject: N-26-\xed\xa0\x80\x1b[2J\x00\n\n\x00\xff\n",
    "1,500 parts within parts": nested(1_500),
    "1,500 mails within mails": forwarded(1_500),
    "20,000 parts": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 20_000 + b"--b--\n",
    "100,000 fields": b"a:\n" * 100_000 + b"\nHello.\n",
    "status of 100,000 groups": b"Content-Type: message/delivery-status\n\n" + b"Action: failed\n\n" * 60_000,
    "status with NULs": b"Content-Type: message/delivery-status\n\nReporting-MTA: dns; \x00\n\n"
    b"Final-Recipient: rfc822; \x00\xff@b.example\nAction: failed\nStatus: 5.1.1\n"
    b"Diagnostic-Code: smtp; 550 \x00\xed\xa0\x80\n",
}
