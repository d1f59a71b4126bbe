"""Mails as they are sent: some as they should be, as many broken, each with what must come of it.

Deterministic: the same list at each call. Where an oddity is documented, `source` says by whom. No mail is copied from
anywhere; all people and firms are invented.
"""

from __future__ import annotations

import base64
import quopri
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from tests.channels.email import replies

SHOP = "help@shop.example"
ANA = "ana@customer.example"


@dataclass(frozen=True, slots=True)
class Sample:
    """A mail and what must come of it; None and empty tuples ask nothing.

    `text` are pieces that the body must hold, `own_text` is the reply's own text, compared without regard to white
    space; `parts` are the names of the files in order, `note` a piece of one of the notes, `robot` the kind of robot,
    `bounced` recipients with their status, `refused` that no mail can be made of it.
    """

    name: str
    raw: bytes
    broken: bool = True
    source: str = ""
    refused: bool = False
    subject: str | None = None
    sender: str | None = None
    sender_name: str | None = None
    text: tuple[str, ...] = ()
    own_text: str | None = None
    parts: tuple[str, ...] | None = None
    content: bytes | None = None
    note: str | None = None
    message_id: str | None = None
    date: str | None = None
    recipients: int | None = None
    robot: str | None = None
    bounced: tuple[tuple[str, str], ...] | None = None
    bounce_of: str | None = None
    calendar: str | None = None
    protection: tuple[str, ...] | None = None


@cache
def samples() -> tuple[Sample, ...]:
    """All of them."""
    found: list[Sample] = []
    for group in (
        *(_replies, _charsets, _encoded_words, _file_names, _headers, _addresses, _dates, _multiparts, _encodings),
        *(_kinds_of_parts, _limits, _robots, _bounces, _refused, _damaged),
    ):
        found += group()
    names = [one.name for one in found]
    assert len(set(names)) == len(names), sorted(name for name in names if names.count(name) > 1)
    return tuple(found)


# ---------------------------------------------------------------- building blocks


def mail(
    body: bytes | str = "Hello",
    *,
    subject: str = "Order 44",
    sender: str = f"Ana <{ANA}>",
    headers: str = "",
    content: str = "Content-Type: text/plain; charset=utf-8\n",
    message_id: str = "Message-ID: <m1@customer.example>\n",
    date: str = "Date: Mon, 20 Nov 2023 10:00:00 +0100\n",
    newline: bytes = b"\r\n",
) -> bytes:
    head = f"From: {sender}\nTo: {SHOP}\nSubject: {subject}\n{date}{message_id}MIME-Version: 1.0\n{headers}{content}"
    data = body.encode() if isinstance(body, str) else body
    return (head.encode() + b"\n" + data).replace(b"\r\n", b"\n").replace(b"\n", newline)


def multipart(*parts: bytes, kind: str = "mixed", boundary: str = "b1", closing: bool = True, **options: str) -> bytes:
    joined = b"".join(b"--" + boundary.encode() + b"\n" + part + b"\n" for part in parts)
    end = b"--" + boundary.encode() + b"--\n" if closing else b""
    return mail(joined + end, content=f'Content-Type: multipart/{kind}; boundary="{boundary}"\n', **options)


def text_part(text: str, kind: str = "plain") -> bytes:
    return f"Content-Type: text/{kind}; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{text}".encode()


def file_part(name_header: str, content: bytes = b"%PDF-1.4 x", media_type: str = "application/pdf") -> bytes:
    head = f"Content-Type: {media_type}\n{name_header}\nContent-Transfer-Encoding: base64\n\n"
    return head.encode("utf-8", "surrogateescape") + base64.encodebytes(content)


# ---------------------------------------------------------------- replies (their texts are in replies.py)


def _replies() -> Iterator[Sample]:
    for one in replies.replies():
        if one.html and one.text:
            raw = multipart(
                text_part(one.text), text_part(one.html, "html"), kind="alternative", subject="Re: Order 44"
            )
        elif one.html:
            raw = mail(one.html, content="Content-Type: text/html; charset=utf-8\n", subject="Re: Order 44")
        else:
            raw = mail(one.text, subject="Re: Order 44")
        yield Sample(f"reply/{one.name}", raw, broken=False, source=one.source, own_text=one.own)


# ---------------------------------------------------------------- charsets

_TEXTS = {
    "cp1252": "Señor, ¿cuánto cuesta el envío a Cádiz? Son 20 € – «gracias»",
    "iso8859-15": "Señor, ¿cuánto cuesta el envío? Son 20 € en Œuvre",
    "cp1251": "Здравствуйте, когда приедет мой заказ номер сорок четыре? Спасибо большое",
    "koi8-r": "Здравствуйте, когда приедет мой заказ номер сорок четыре? Спасибо большое",
    "cp1253": "Καλημέρα, πότε θα έρθει η παραγγελία μου; Ευχαριστώ πολύ",
    "cp1255": "שלום, מתי תגיע ההזמנה שלי? תודה רבה לכם",
    "cp1256": "مرحبا متى يصل طلبي رقم أربعة وأربعين شكرا جزيلا لكم",
    "cp1250": "Dobrý den, kdy přijde moje objednávka číslo čtyřicet čtyři? Děkuji pěkně",
    "gb18030": "您好，请问我的订单什么时候到？非常感谢您的帮助",
    "big5": "您好，請問我的訂單什麼時候到？非常感謝您的幫助",
    "shift_jis": "こんにちは、注文はいつ届きますか。よろしくお願いします",
    "euc-jp": "こんにちは、注文はいつ届きますか。よろしくお願いします",
    "iso2022_jp": "こんにちは、注文はいつ届きますか。よろしくお願いします",
    "euc-kr": "안녕하세요 주문한 물건은 언제 도착하나요 감사합니다",
    "tis-620": "สวัสดีครับ สินค้าของผมจะมาถึงเมื่อไหร่ ขอบคุณมาก",
    "utf-8": "Señor, ¿cuánto? 20 € 😀 «ok»",
    "utf-7": "Señor, ¿cuánto cuesta? 20 €",
    "utf-16": "Señor, ¿cuánto cuesta? 20 €",
}
# (what the mail says, what its text is really in)
_NAMES = (
    ("windows-1252", "cp1252", False),
    ("iso-8859-15", "iso8859-15", False),
    ("windows-1251", "cp1251", False),
    ("koi8-r", "koi8-r", False),
    ("windows-1253", "cp1253", False),
    ("windows-1255", "cp1255", False),
    ("windows-1256", "cp1256", False),
    ("windows-1250", "cp1250", False),
    ("gb18030", "gb18030", False),
    ("big5", "big5", False),
    ("shift_jis", "shift_jis", False),
    ("euc-jp", "euc-jp", False),
    ("iso-2022-jp", "iso2022_jp", False),
    ("euc-kr", "euc-kr", False),
    ("tis-620", "tis-620", False),
    ("utf-8", "utf-8", False),
    # Wrong ones. The WHATWG Encoding Standard lists the supersets that browsers read for these names.
    ("iso-8859-1", "cp1252", True),
    ("us-ascii", "cp1252", True),
    ("ISO-8859-1", "utf-8", True),
    ("us-ascii", "utf-8", True),
    ("windows-1252", "utf-8", True),
    ("", "utf-8", True),
    ("", "cp1252", True),
    ("utf-8", "cp1252", True),
    ("utf-8", "cp1251", True),
    ("utf-8", "gb18030", True),
    ("gb2312", "gb18030", True),
    ("gbk", "gb18030", True),
    ("x-gbk", "gb18030", True),
    ("ks_c_5601-1987", "euc-kr", True),
    ("x-sjis", "shift_jis", True),
    ("sjis", "shift_jis", True),
    ("utf8", "utf-8", True),
    ("UTF_8", "utf-8", True),
    ("charset=utf-8", "utf-8", True),
    ("unknown-8bit", "utf-8", True),
    ("x-unknown", "cp1252", True),
    ("default", "utf-8", True),
    ("cp-1252", "cp1252", True),
    ("windows1252", "cp1252", True),
    ("x-mac-roman", "utf-8", True),
    ("iso-8859-8-i", "cp1255", True),
    ("nonsense-42", "utf-8", True),
    ("utf-7", "utf-7", True),
    ("unicode-1-1-utf-7", "utf-7", True),
    ("utf-16", "utf-16", True),
    ("utf-8", "utf-16", True),
    ("", "iso2022_jp", True),
    ("utf-8", "iso2022_jp", True),
    ("rot13", "utf-8", True),
    ("idna", "utf-8", True),
)


def _charsets() -> Iterator[Sample]:
    for named, real, broken in _NAMES:
        text = _TEXTS[real]
        charset = f'; charset="{named}"' if named else ""
        body = text.encode(real)
        content = f"Content-Type: text/plain{charset}\nContent-Transfer-Encoding: base64\n"
        yield Sample(
            f"charset/{named or 'none'} is {real}",
            mail(base64.encodebytes(body), content=content),
            broken=broken,
            source="WHATWG Encoding Standard, labels" if broken else "RFC 2045",
            text=(text,),
        )
    html = "<html><head><meta charset='windows-1251'></head><body>Здравствуйте, когда приедет мой заказ?</body>"
    "</html>"
    yield Sample(
        "charset/only the page's own meta names it",
        mail(
            base64.encodebytes(html.encode("cp1251")),
            content="Content-Type: text/html\nContent-Transfer-Encoding: base64\n",
        ),
        source="HTML Standard, prescan for a meta charset",
        text=("Здравствуйте",),
    )
    yield Sample(
        "charset/one bad byte in a long UTF-8 text",
        mail(("á" * 500).encode() + b"\xff" + "é".encode() * 20),
        text=("á" * 100, "é" * 5),
        note="not UTF-8",
    )


# ---------------------------------------------------------------- RFC 2047

_WORDS = (
    ("q", "=?utf-8?Q?Pedido_n=C2=BA_44?=", "Pedido nº 44", False, "RFC 2047"),
    ("b", "=?utf-8?B?UGVkaWRvIG7CuiA0NA==?=", "Pedido nº 44", False, "RFC 2047"),
    (
        "folded words",
        "=?utf-8?Q?Pedido?=\n =?utf-8?Q?_n=C2=BA?=\n =?utf-8?Q?_44?=",
        "Pedido nº 44",
        False,
        "RFC 2047 §6.2",
    ),
    ("two charsets", "=?iso-8859-1?Q?a=F1o?= =?utf-8?Q?_=E2=82=AC?=", "año €", False, "RFC 2047"),
    ("language tag", "=?utf-8*es?Q?a=C3=B1o?=", "año", False, "RFC 2231 §5"),
    (
        "character cut between words",
        "=?utf-8?Q?a=C3?= =?utf-8?Q?=B1o?=",
        "año",
        True,
        "RFC 2047 §5 forbids it; sent by PHP",
    ),
    ("base64 cut between words", "=?utf-8?B?YcO?= =?utf-8?B?sW8=?=", "a", True, "RFC 2047 §5"),
    ("spaces inside a word", "=?utf-8?Q?Pedido n=C2=BA 44?=", "Pedido nº 44", True, "CPython bpo-1079"),
    ("question mark inside", "=?utf-8?Q?Qu=C3=A9??= =?utf-8?Q?_no?=", "Qué? no", True, "RFC 2047 §4.2"),
    ("no padding", "=?utf-8?B?YcOxbw?=", "año", True, "CPython bpo-27397"),
    ("no end", "=?utf-8?Q?Pedido_n=C2=BA_44", "Pedido nº 44", True, "Rails mail, bad_encoded_subject"),
    ("words without space between", "=?utf-8?Q?Pedido?==?utf-8?Q?_44?=", "Pedido 44", True, "JavaMail strict=false"),
    ("word inside a word", "Pedido=?utf-8?Q?_n=C2=BA?=44", "Pedido nº44", True, "CPython bpo-1079"),
    ("in quotes", '"=?utf-8?Q?a=C3=B1o?="', '"año"', True, "RFC 2047 §5 forbids it"),
    ("unknown charset", "=?x-unknown?Q?a=C3=B1o?=", "año", True, "Dovecot, Thunderbird bug 493544"),
    ("no charset", "=??Q?a=C3=B1o?=", "año", True, "Roundcube 1485113"),
    (
        "gb2312 with gbk letters",
        "=?gb2312?B?" + base64.b64encode("鎔基您好".encode("gbk")).decode() + "?=",
        "鎔基您好",
        True,
        "WHATWG",
    ),
    ("encoded twice", "=?utf-8?Q?=3D=3Futf-8=3FQ=3Fa=3DC3=3DB1o=3F=3D?=", "año", True, "gateways"),
    ("raw UTF-8", "Pedido nº 44", "Pedido nº 44", True, "RFC 6532 without SMTPUTF8"),
    ("lower-case hex", "=?utf-8?q?a=c3=b1o?=", "año", True, "RFC 2045 §6.7"),
    ("folded inside a word", "=?utf-8?Q?Pedido_n=C2?=\n\t=?utf-8?Q?=BA_44?=", "Pedido nº 44", True, "RFC 2047 §5"),
    ("tab between words", "=?utf-8?Q?Pedido?=\t=?utf-8?Q?_44?=", "Pedido 44", True, "Outlook Express"),
    ("url-safe base64", "=?utf-8?B?8J-YgA==?=", "😀", True, "RFC 4648 §5"),
    ("japanese", "=?ISO-2022-JP?B?GyRCQ21KOBsoQg==?=", "注文", False, "RFC 1468"),
    ("control characters", "=?utf-8?Q?a=00b=07c?=", "a b c", True, "OWASP mail header injection"),
    ("line break inside", "=?utf-8?Q?a=0D=0ABcc:_x@y.z?=", "a Bcc: x@y.z", True, "OWASP mail header injection"),
    ("empty", "", "", True, "RFC 5322"),
    ("only the prefix", "=?utf-8?Q?", "", True, "fuzzing"),
)


def _encoded_words() -> Iterator[Sample]:
    for name, subject, expected, broken, source in _WORDS:
        exact = None if name == "base64 cut between words" else expected
        yield Sample(
            f"subject/{name}", mail(subject=subject), broken=broken, source=source, subject=exact, text=("Hello",)
        )
    for charset in ("iso-8859-1", "windows-1251", "gb18030", "shift_jis", "utf-8"):
        text = {
            "iso-8859-1": "Pedido año",
            "windows-1251": "Здравствуйте уважаемые",
            "gb18030": "您好我的订单什么",
        }.get(charset, "こんにちは注文")
        raw = mail(subject="@@", content=f"Content-Type: text/plain; charset={charset}\n")
        yield Sample(
            f"subject/raw bytes in {charset}",
            raw.replace(b"@@", text.encode(charset)),
            source="RFC 5322 forbids it; common from scripts",
            subject=text,
        )


# ---------------------------------------------------------------- RFC 2231 and its wrong forms

_NAMES_OF_FILES = (
    ("plain", 'Content-Disposition: attachment; filename="a b.pdf"', "a b.pdf", False, "RFC 2183"),
    (
        "rfc2231",
        "Content-Disposition: attachment; filename*=utf-8''factura%C3%B1.pdf",
        "facturañ.pdf",
        False,
        "RFC 2231",
    ),
    (
        "continued",
        "Content-Disposition: attachment;\n filename*0*=utf-8''una%20fac;\n filename*1*=tura%C3%B1;\n filename*2=.pdf",
        "una facturañ.pdf",
        False,
        "RFC 2231 §4.1",
    ),
    (
        "continued plain",
        'Content-Disposition: attachment; filename*0="una "; filename*1="factura.pdf"',
        "una factura.pdf",
        False,
        "RFC 2231 §3",
    ),
    ("latin", "Content-Disposition: attachment; filename*=iso-8859-1'es'a%F1o.pdf", "año.pdf", False, "RFC 2231"),
    (
        "word in quotes",
        'Content-Disposition: attachment; filename="=?utf-8?Q?a=C3=B1o.pdf?="',
        "año.pdf",
        True,
        "Outlook, Gmail",
    ),
    (
        "words in quotes",
        'Content-Disposition: attachment; filename="=?utf-8?Q?una_?=\n =?utf-8?Q?a=C3=B1o.pdf?="',
        "una año.pdf",
        True,
        "Outlook",
    ),
    (
        "word without quotes",
        "Content-Disposition: attachment; filename==?utf-8?Q?a=C3=B1o.pdf?=",
        "año.pdf",
        True,
        "Exchange",
    ),
    (
        "spaces without quotes",
        "Content-Disposition: attachment; filename=una factura.pdf",
        "una factura.pdf",
        True,
        "many",
    ),
    (
        "unclosed quote",
        'Content-Disposition: attachment; filename="factura.pdf',
        "factura.pdf",
        True,
        "CPython bpo-30681",
    ),
    ("raw utf-8", 'Content-Disposition: attachment; filename="año.pdf"', "año.pdf", True, "RFC 6532 without SMTPUTF8"),
    (
        "percent without star",
        'Content-Disposition: attachment; filename="a%C3%B1o.pdf"',
        "año.pdf",
        True,
        "web mailers",
    ),
    (
        "star in quotes",
        "Content-Disposition: attachment; filename*=\"utf-8''a%C3%B1o.pdf\"",
        "año.pdf",
        True,
        "RFC 2231",
    ),
    ("star without charset", "Content-Disposition: attachment; filename*=a%C3%B1o.pdf", "año.pdf", True, "RFC 2231"),
    (
        "both forms",
        "Content-Disposition: attachment; filename=ano.pdf; filename*=utf-8''a%C3%B1o.pdf",
        "año.pdf",
        True,
        "RFC 6266 §4.3",
    ),
    (
        "Windows path",
        'Content-Disposition: attachment; filename="C:\\docs\\factura.pdf"',
        "factura.pdf",
        True,
        "old Outlook",
    ),
    (
        "climbing path",
        'Content-Disposition: attachment; filename="../../etc/factura.pdf"',
        "factura.pdf",
        True,
        "CWE-22",
    ),
    ("only in Content-Type", "Content-Disposition: attachment", "x.pdf", True, "old clients"),
    (
        "turned direction",
        'Content-Disposition: attachment; filename="inv\u202efdp.exe"',
        "invfdp.exe",
        True,
        "CVE-2009-3376",
    ),
    ("semicolon in quotes", 'Content-Disposition: attachment; filename="a;b.pdf"', "a;b.pdf", False, "RFC 2045"),
    ("escaped quote", 'Content-Disposition: attachment; filename="a\\"b.pdf"', "a_b.pdf", False, "RFC 2045"),
    ("no semicolon", 'Content-Disposition: attachment filename="factura.pdf"', "factura.pdf", True, "scripts"),
    ("upper case", 'CONTENT-DISPOSITION: ATTACHMENT; FILENAME="factura.pdf"', "factura.pdf", False, "RFC 2045"),
    ("null", 'Content-Disposition: attachment; filename="a\0b.pdf"', "a b.pdf", True, "CWE-158"),
    (
        "no name at all",
        "Content-Disposition: attachment",
        "file-1.pdf",
        True,
        "Rails mail, attachment_missing_filename",
    ),
    ("wrong indices", "Content-Disposition: attachment; filename*1=b.pdf; filename*0=a", "ab.pdf", True, "RFC 2231 §3"),
    (
        "very long",
        f'Content-Disposition: attachment; filename="{"n" * 400}.pdf"',
        "n" * 176 + ".pdf",
        True,
        "file systems",
    ),
)


def _file_names() -> Iterator[Sample]:
    for name, header, expected, broken, source in _NAMES_OF_FILES:
        media_type = 'application/pdf; name="x.pdf"' if name == "only in Content-Type" else "application/pdf"
        yield Sample(
            f"file name/{name}",
            multipart(text_part("See the file"), file_part(header, media_type=media_type)),
            broken=broken,
            source=source,
            text=("See the file",),
            parts=(expected,),
            content=b"%PDF-1.4 x",
        )


# ---------------------------------------------------------------- headers


def _headers() -> Iterator[Sample]:
    whole = mail()
    yield Sample(
        "header/as it should be", whole, broken=False, subject="Order 44", sender=ANA, message_id="m1@customer.example"
    )
    yield Sample("header/bare LF", mail(newline=b"\n"), broken=False, subject="Order 44", text=("Hello",))
    yield Sample("header/bare CR", mail(newline=b"\r"), source="RFC 5321 §2.3.8", subject="Order 44", text=("Hello",))
    yield Sample("header/no Message-ID", mail(message_id=""), source="RFC 5322 §3.6.4 SHOULD", note="no Message-ID")
    yield Sample("header/empty Message-ID", mail(message_id="Message-ID:\n"), note="no Message-ID")
    yield Sample(
        "header/Message-ID without brackets", mail(message_id="Message-ID: m2@x.example\n"), message_id="m2@x.example"
    )
    yield Sample(
        "header/Message-ID with spaces", mail(message_id="Message-ID: < m2@x.example >\n"), message_id="m2@x.example"
    )
    yield Sample(
        "header/Message-ID twice",
        mail(message_id="Message-ID: <m2@x.example>\nMessage-ID: <m3@x.example>\n"),
        source="RFC 5322 §3.6 at most once",
        message_id="m2@x.example",
        note="message-id is there 2 times",
    )
    yield Sample(
        "header/Message-ID folded",
        mail(message_id="Message-ID:\n <m2@x.example>\n"),
        broken=False,
        message_id="m2@x.example",
    )
    yield Sample("header/From twice", mail(headers="From: other@x.example\n"), sender=ANA, note="from is there 2 times")
    yield Sample(
        "header/Subject twice", mail(headers="Subject: other\n"), subject="Order 44", note="subject is there 2"
    )
    yield Sample("header/no From", whole.replace(b"From: Ana <" + ANA.encode() + b">\r\n", b""), note="no From")
    yield Sample("header/no Subject", whole.replace(b"Subject: Order 44\r\n", b""), subject="", text=("Hello",))
    yield Sample(
        "header/space before colon",
        whole.replace(b"Subject:", b"Subject :"),
        subject="Order 44",
        note="before the colon",
    )
    yield Sample(
        "header/no empty line",
        whole.replace(b"\r\n\r\nHello", b"\r\nHello"),
        source="CPython test msg_35",
        text=("Hello",),
    )
    yield Sample(
        "header/mailbox line first", b"From ana Mon Nov 20 10:00:00 2023\r\n" + whole, source="mbox", subject="Order 44"
    )
    yield Sample(
        "header/escaped mailbox line within",
        whole.replace(b"Subject:", b">From ana Mon Nov 20\r\nSubject:"),
        source="mbox, Dovecot",
        subject="Order 44",
        note="From line",
    )
    yield Sample("header/empty lines first", b"\r\n\r\n" + whole, subject="Order 44", text=("Hello",))
    yield Sample("header/byte order mark first", b"\xef\xbb\xbf" + whole, subject="Order 44", sender=ANA)
    yield Sample("header/NUL inside", whole.replace(b"Order", b"Or\0der"), subject="Order 44", note="NUL")
    yield Sample(
        "header/broken folding",
        mail(subject="Order 44 and\nmore of it"),
        subject="Order 44 and more of it",
        note="indented",
    )
    yield Sample(
        "header/first line continued",
        b" folded\r\n" + whole,
        source="CPython FirstHeaderLineIsContinuationDefect",
        subject="Order 44",
    )
    yield Sample(
        "header/folded with white space only",
        mail(subject="Order 44\n \n more"),
        source="RFC 5322 §4.2",
        text=("Hello",),
    )
    yield Sample(
        "header/whole mail in UTF-16",
        b"\xff\xfe" + whole.decode().encode("utf-16-le"),
        subject="Order 44",
        text=("Hello",),
    )
    yield Sample("header/no body", whole.split(b"\r\n\r\n")[0], subject="Order 44")
    yield Sample("header/no final newline after headers", whole.split(b"\r\n\r\n")[0] + b"\r\n", subject="Order 44")
    yield Sample(
        "header/8-bit header name",
        whole.replace(b"Subject:", b"X-\xe9\xe9: 1\r\nSubject:"),
        subject="Order 44",
        text=("Hello",),
    )
    yield Sample("header/very long line", mail(subject="n" * 5_000), source="RFC 5322 §2.1.1", text=("Hello",))
    yield Sample(
        "header/only a colon", whole.replace(b"Subject:", b": nothing\r\nSubject:"), subject="Order 44", text=("Hello",)
    )
    yield Sample(
        "header/an empty line within",
        b"Mime-Version: 1.0\nMessage-ID: <m5@x.example>\n\n   \n\nFrom: ana@x.example\nSubject: Order 44\n\nHello",
        source="Rails mail, whitespace_in_headers",
        subject="Order 44",
        text=("Hello",),
        note="an empty line among the headers",
    )
    yield Sample(
        "header/References with commas and junk",
        mail(headers="References: <a@x>, <b@x>; junk <c@x>\nIn-Reply-To: Your message of Monday <c@x>\n"),
        source="RFC 822 in-reply-to phrases",
        text=("Hello",),
    )
    yield Sample(
        "header/missing MIME-Version",
        whole.replace(b"MIME-Version: 1.0\r\n", b"")
        .replace(b"Hello", b"a=C3=B1o")
        .replace(b"Content-Type:", b"Content-Transfer-Encoding: quoted-printable\r\nContent-Type:"),
        source="RFC 2045 §4",
        text=("año",),
    )


def _addresses() -> Iterator[Sample]:
    for name, sender, address, shown, broken in (
        ("name and address", "Ana Pérez <ana@x.example>", "ana@x.example", "Ana Pérez", True),
        ("quoted comma", '"Pérez, Ana" <ana@x.example>', "ana@x.example", "Pérez, Ana", True),
        ("comma without quotes", "Perez, Ana <ana@x.example>", "ana@x.example", "Perez, Ana", True),
        ("comment", "ana@x.example (Ana)", "ana@x.example", "Ana", False),
        ("no brackets", "Ana ana@x.example", "ana@x.example", "Ana", True),
        ("unclosed bracket", "Ana <ana@x.example", "ana@x.example", "Ana", True),
        ("mailto", "Ana <mailto:ana@x.example>", "ana@x.example", "Ana", True),
        ("address within an encoded word", "=?utf-8?Q?Ana_=3Cana=40x.example=3E?=", "ana@x.example", "Ana", True),
        ("encoded word in quotes", '"=?utf-8?Q?P=C3=A9rez?=" <ana@x.example>', "ana@x.example", "Pérez", True),
        ("source route", "Ana <@relay.example:ana@x.example>", "ana@x.example", "Ana", False),
        ("upper-case domain", "ANA <Ana@X.EXAMPLE>", "Ana@x.example", "ANA", False),
        ("international domain", "Ana <ana@españa.example>", "ana@xn--espaa-rta.example", "Ana", True),
        ("spaces within", "Ana < ana @ x.example >", "ana@x.example", "Ana", True),
        ("name is another address", '"boss@bank.example" <ana@x.example>', "ana@x.example", "boss@bank.example", False),
        ("single quotes", "'Ana' <ana@x.example>", "ana@x.example", "Ana", False),
        ("only a name", "MAILER-DAEMON", "", "MAILER-DAEMON", True),
        ("unclosed quote", '"Ana <ana@x.example>', "ana@x.example", "Ana", True),
        ("two at signs", "ana@home@x.example", None, None, True),
        ("semicolons", "Ana <ana@x.example>; Luis <luis@x.example>", "ana@x.example", "Ana", True),
    ):
        yield Sample(
            f"address/{name}", mail(sender=sender), broken=broken, sender=address, sender_name=shown, text=("Hello",)
        )
    many = ",\n ".join(f"Person {number} <p{number}@x.example>" for number in range(12_000))
    yield Sample(
        "address/12,000 recipients",
        mail(headers=f"Cc: {many}\n"),
        source="issue: 10,000",
        recipients=10_000,
        note="addresses",
    )
    yield Sample("address/undisclosed", mail(headers="Cc: undisclosed-recipients:;\n"), broken=False, recipients=0)
    yield Sample(
        "address/deep comments",
        mail(sender="(" * 3_000 + " ana@x.example"),
        source="CVE-2023-27043 and kin",
        text=("Hello",),
    )


def _dates() -> Iterator[Sample]:
    for name, value, expected, note in (
        ("usual", "Mon, 20 Nov 2023 10:00:00 +0100", "2023-11-20T10:00:00+01:00", None),
        ("comment", "Mon, 20 Nov 2023 10:00:00 +0100 (CET)", "2023-11-20T10:00:00+01:00", None),
        ("1970", "Thu, 01 Jan 1970 00:00:00 +0000", "", "1970"),
        ("2099 and later", "Mon, 20 Nov 2123 10:00:00 +0000", "", "2123"),
        ("no zone", "Mon, 20 Nov 2023 10:00:00", "2023-11-20T10:00:00+00:00", "time zone"),
        ("two-digit year", "20 Nov 23 10:00 GMT", "2023-11-20T10:00:00+00:00", None),
        ("ISO 8601", "2023-11-20T10:00:00Z", "2023-11-20T10:00:00+00:00", "another format"),
        ("31 February", "Fri, 31 Feb 2023 10:00:00 +0000", "", "cannot be read"),
        ("absurd zone", "Mon, 20 Nov 2023 10:00:00 +9900", "2023-11-20T10:00:00+00:00", None),
        ("words", "yesterday", "", "cannot be read"),
        ("encoded comma", "Mon=2C 20 Nov 2023 10:00:00 +0000", "2023-11-20T10:00:00+00:00", None),
        ("leap second", "Sat, 31 Dec 2016 23:59:60 +0000", "2016-12-31T23:59:59+00:00", None),
        ("no day's name", "20 Nov 2023 10:00:00 +0100", "2023-11-20T10:00:00+01:00", None),
        ("Spanish day", "lun, 20 Nov 2023 10:00:00 +0100", "2023-11-20T10:00:00+01:00", None),
    ):
        yield Sample(
            f"date/{name}",
            mail(date=f"Date: {value}\n"),
            broken=name not in ("usual", "comment"),
            date=expected,
            note=note,
        )
    yield Sample("date/none", mail(date=""), date="", note="no Date")
    yield Sample("date/empty", mail(date="Date:\n"), date="")


# ---------------------------------------------------------------- multiparts


def _multiparts() -> Iterator[Sample]:
    plain, html = text_part("Hello plain"), text_part("<p>Hello <b>html</b></p>", "html")
    pdf = file_part('Content-Disposition: attachment; filename="a.pdf"')
    yield Sample(
        "multipart/alternative",
        multipart(plain, html, kind="alternative"),
        broken=False,
        text=("Hello plain",),
        parts=(),
    )
    yield Sample("multipart/mixed", multipart(plain, pdf), broken=False, text=("Hello plain",), parts=("a.pdf",))
    yield Sample(
        "multipart/not closed",
        multipart(plain, pdf, closing=False),
        source="RFC 2046",
        text=("Hello",),
        parts=("a.pdf",),
    )
    no_boundary = multipart(plain, pdf).replace(b'; boundary="b1"', b"")
    yield Sample(
        "multipart/no boundary named",
        no_boundary,
        source="CPython test msg_25",
        text=("Hello plain",),
        parts=("a.pdf",),
    )
    other = multipart(plain, pdf).replace(b'boundary="b1"', b'boundary="another"')
    yield Sample(
        "multipart/another boundary", other, source="CPython test msg_31", text=("Hello plain",), parts=("a.pdf",)
    )
    yield Sample(
        "multipart/never a boundary",
        mail("Just text", content="Content-Type: multipart/mixed; boundary=x\n"),
        text=("Just text",),
    )
    spaced = multipart(plain, pdf).replace(b"--b1\r\n", b"--b1  \r\n")
    yield Sample(
        "multipart/spaces after the boundary", spaced, source="RFC 2046 §5.1.1", text=("Hello plain",), parts=("a.pdf",)
    )
    unquoted = multipart(plain, pdf, boundary="a=b:c").replace(b'"a=b:c"', b"a=b:c")
    yield Sample(
        "multipart/boundary without quotes", unquoted, source="RFC 2045 §5.1", text=("Hello",), parts=("a.pdf",)
    )
    similar = multipart(
        multipart(plain, html, kind="alternative", boundary="b1x")
        .split(b"MIME-Version: 1.0\r\n")[1]
        .replace(b"\r\n", b"\n"),
        pdf,
    )
    yield Sample(
        "multipart/one boundary begins like the other",
        similar,
        source="Rails mail",
        text=("Hello plain",),
        parts=("a.pdf",),
    )
    yield Sample(
        "multipart/empty", mail("--b1--\n", content="Content-Type: multipart/mixed; boundary=b1\n"), subject="Order 44"
    )
    bare = multipart(b"\nHello without headers")
    yield Sample("multipart/part without headers", bare, broken=False, source="RFC 2046 §5.1", text=("Hello without",))
    headless = multipart(b"Hello right away")
    yield Sample("multipart/part without an empty line", headless, source="Rails mail", text=("Hello right away",))
    encoded = multipart(plain).replace(
        b"Content-Type: multipart", b"Content-Transfer-Encoding: base64\r\nContent-Type: multipart"
    )
    yield Sample("multipart/with an encoding", encoded, source="RFC 2045 §6.4 forbids it", text=("Hello plain",))
    before = mail(
        b"The real text stands here\n--b1\n" + pdf + b"\n--b1--\n",
        content="Content-Type: multipart/mixed; boundary=b1\n",
    )
    yield Sample("multipart/text before the first part", before, text=("The real text",), parts=("a.pdf",))
    after = multipart(plain) + b"\r\nA footer that a list added\r\n"
    yield Sample("multipart/text after the last part", after, text=("Hello plain",), parts=("after-the-last-part.txt",))
    twice = multipart(text_part("First"), pdf, text_part("Second"))
    yield Sample(
        "multipart/text around a file",
        twice,
        broken=False,
        source="Apple Mail",
        text=("First", "Second"),
        parts=("a.pdf",),
    )
    footer = multipart(
        multipart(plain, html, kind="alternative", boundary="b2")
        .split(b"MIME-Version: 1.0\r\n")[1]
        .replace(b"\r\n", b"\n"),
        text_part("Footer of the list"),
    )
    yield Sample(
        "multipart/list footer", footer, broken=False, source="Mailman", text=("Hello plain", "Footer of the list")
    )
    stub = multipart(
        text_part("Please view this e-mail in an HTML client."),
        text_part("<p>" + "The long real text of it. " * 40 + "</p>", "html"),
        kind="alternative",
    )
    yield Sample("multipart/plain text is a stub", stub, source="newsletters", text=("The long real text",))
    empty = multipart(text_part(""), html, kind="alternative")
    yield Sample("multipart/empty plain text", empty, source="Rails mail, talon missing_text", text=("Hello html",))
    reverse = multipart(html, plain, kind="alternative")
    yield Sample("multipart/alternative in reverse", reverse, source="RFC 2046 §5.1.4", text=("Hello plain",))
    related = multipart(
        text_part('<p>See <img src="cid:i1@x"></p>', "html"),
        file_part("Content-ID: <i1@x>", b"\x89PNG", "image/png"),
        kind="related",
    )
    yield Sample(
        "multipart/related",
        related,
        broken=False,
        source="RFC 2387",
        text=("See",),
        parts=("file-1.png",),
        content=b"\x89PNG",
    )
    wrong = multipart(plain, pdf).replace(b"Content-Type: multipart/mixed;", b"Content-Type: multipart/;")
    yield Sample("multipart/no subtype", wrong, text=("Hello plain",), parts=("a.pdf",))
    one_line = mail("<p>Hello</p>", content="Content-Type: text/html charset=utf-8\n")
    yield Sample("multipart/none, semicolon missing", one_line, source="Rails mail", text=("Hello",))
    yield Sample(
        "multipart/none, type is text",
        mail(content="Content-Type: text\n"),
        source="CPython test msg_14",
        text=("Hello",),
    )
    yield Sample("multipart/none, type is nonsense", mail(content="Content-Type: ???\n"), text=())
    html_as_text = mail("<!DOCTYPE html><html><body><p>Hello there</p></body></html>")
    yield Sample(
        "multipart/none, HTML called plain", html_as_text, source="scripts", text=("Hello there",), note="HTML"
    )
    second = multipart(plain, pdf).replace(b"MIME-Version", b"Content-Type: text/plain\r\nMIME-Version")
    yield Sample(
        "multipart/a second Content-Type before",
        second,
        source="Rails mail, multiple_content_types",
        text=("Hello plain",),
    )
    attached = mail("Hello body", content="Content-Type: text/plain\nContent-Disposition: attachment\n")
    yield Sample("multipart/none, body marked attachment", attached, source="scripts", text=("Hello body",))
    deep = text_part("At the bottom")
    for level in range(30):
        deep = multipart(deep, boundary=f"d{level}").split(b"MIME-Version: 1.0\r\n")[1].replace(b"\r\n", b"\n")
    yield Sample(
        "multipart/thirty deep",
        mail(deep.split(b"\n\n", 1)[1], content=deep.split(b"\n\n")[0].decode() + "\n"),
        text=("At the bottom",),
    )


# ---------------------------------------------------------------- transfer encodings


def _encodings() -> Iterator[Sample]:
    text = "Señor, el año pasado compré dos sillas y una mesa; hoy una está rota."
    coded = base64.encodebytes(text.encode())
    quoted = quopri.encodestring(text.encode())
    for name, encoding, body, broken, source in (
        ("base64", "base64", coded, False, "RFC 2045"),
        ("quoted-printable", "quoted-printable", quoted, False, "RFC 2045"),
        ("8bit", "8bit", text.encode(), False, "RFC 6152"),
        ("base64 without padding", "base64", coded.rstrip(b"\n="), True, "CPython InvalidBase64PaddingDefect"),
        (
            "base64 one letter too many",
            "base64",
            coded.rstrip(b"\n=") + b"A",
            True,
            "CPython InvalidBase64LengthDefect",
        ),
        (
            "base64 with junk",
            "base64",
            coded[:20] + b"!*\xff" + coded[20:],
            True,
            "CPython InvalidBase64CharactersDefect",
        ),
        ("base64 on one line", "base64", coded.replace(b"\n", b""), True, "RFC 2045 §6.8 allows 76 letters"),
        (
            "base64 in two runs",
            "base64",
            base64.encodebytes(text.encode()[:40]) + base64.encodebytes(text.encode()[40:]),
            True,
            "mailing lists that append",
        ),
        ("said base64, is text", "base64", text.encode(), True, "scripts"),
        ("said 7bit, is 8bit", "7bit", text.encode(), True, "RFC 2045 §6.2"),
        ("name with spaces", "quoted - printable", quoted, True, "Rails mail, qp_with_space"),
        ("name with semicolon", "base64;", coded, True, "Rails mail, with_semi_colon"),
        ("name is 7-bit", "7-bit", text.encode(), True, "Rails mail, 7-bit"),
        ("name is text/html", "text/html", text.encode(), True, "Rails mail, text-html"),
        ("name is empty", "", text.encode(), True, "Rails mail, empty"),
        ("quoted lower case", "quoted-printable", quoted.replace(b"=C3", b"=c3"), True, "RFC 2045 §6.7"),
        ("quoted with stray equals", "quoted-printable", quoted + b" a=b =", True, "RFC 2045 §6.7"),
        ("quoted-printable in capitals", "QUOTED-PRINTABLE", quoted, False, "RFC 2045"),
    ):
        yield Sample(
            f"encoding/{name}",
            mail(body, content=f"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: {encoding}\n"),
            broken=broken,
            source=source,
            text=("el año pasado", "una mesa"),
        )
    uu = b"begin 644 nota.txt\n#0V%T\n`\nend\n"
    yield Sample(
        "encoding/uuencoded file in the text",
        mail(b"See it\n\n" + uu + b"\nBye"),
        source="old Outlook",
        text=("See it", "Bye"),
        parts=("nota.txt",),
        content=b"Cat",
    )
    yield Sample(
        "encoding/x-uuencode",
        mail(uu, content="Content-Type: text/plain\nContent-Transfer-Encoding: x-uuencode\n"),
        source="Rails mail",
        text=("Cat",),
    )
    yield Sample(
        "encoding/begin in plain words",
        mail("begin 2024 with us\nend"),
        broken=False,
        text=("begin 2024 with us", "end"),
    )
    flowed = "> a quoted line that \n> goes on\nThis is a long line that \ngoes on here.\n-- \nAna"
    yield Sample(
        "encoding/format=flowed",
        mail(flowed, content="Content-Type: text/plain; format=flowed\n"),
        broken=False,
        source="RFC 3676",
        text=("This is a long line that goes on here.", "> a quoted line that goes on"),
    )
    yield Sample("encoding/NUL bytes in the text", mail(b"Hel\0lo there"), text=("Hello there",), note="NUL")
    yield Sample("encoding/binary with CR inside", mail("a\rb"), source="RFC 5322 §2.3", text=("a\nb",))


# ---------------------------------------------------------------- kinds of parts


def tnef(files: tuple[tuple[str, bytes], ...], text: str = "", html: str = "") -> bytes:
    """A winmail.dat ([MS-OXTNEF])."""

    def block(level: int, name: int, content: bytes, kind: int = 6) -> bytes:
        return (
            struct.pack("<BHHI", level, name, kind, len(content)) + content + struct.pack("<H", sum(content) & 0xFFFF)
        )

    def counted(kind: int, number: int, value: bytes) -> bytes:
        padding = b"\0" * (-len(value) % 4)
        return struct.pack("<HHII", kind, number, 1, len(value)) + value + padding

    raw = struct.pack("<IH", 0x223E9F78, 1) + block(1, 0x9006, struct.pack("<I", 0x10000))
    raw += block(1, 0x9007, struct.pack("<II", 1252, 0))
    properties = b""
    count = 0
    if text:
        properties += counted(0x1F, 0x1000, text.encode("utf-16-le") + b"\0\0")
        count += 1
    if html:
        properties += counted(0x102, 0x1013, html.encode("cp1252"))
        count += 1
    if count:
        raw += block(1, 0x9003, struct.pack("<I", count) + properties)
    for name, content in files:
        raw += block(2, 0x9002, b"\0" * 14) + block(2, 0x8010, b"SHORT~1.PDF\0") + block(2, 0x800F, content)
        raw += block(2, 0x9005, struct.pack("<I", 1) + counted(0x1F, 0x3707, name.encode("utf-16-le") + b"\0\0"))
    return raw


def _kinds_of_parts() -> Iterator[Sample]:
    plain = text_part("Hello plain")
    winmail = tnef((("Informe año.pdf", b"%PDF-1"), ("b.txt", b"bee")), "Text within")
    dat = 'Content-Disposition: attachment; filename="winmail.dat"'
    yield Sample(
        "kind/winmail.dat",
        multipart(plain, file_part(dat, winmail, "application/ms-tnef")),
        source="MS-OXTNEF",
        text=("Hello plain",),
        parts=("Informe año.pdf", "b.txt"),
        content=b"%PDF-1",
        note="winmail.dat was unpacked",
    )
    only = mail(
        base64.encodebytes(winmail), content="Content-Type: application/ms-tnef\nContent-Transfer-Encoding: base64\n"
    )
    yield Sample(
        "kind/nothing but a winmail.dat",
        only,
        source="MS-OXTNEF",
        text=("Text within",),
        parts=("Informe año.pdf", "b.txt"),
    )
    yield Sample(
        "kind/winmail.dat called octet-stream",
        multipart(plain, file_part(dat, winmail, "application/octet-stream")),
        parts=("Informe año.pdf", "b.txt"),
    )
    yield Sample(
        "kind/winmail.dat with HTML",
        multipart(text_part(""), file_part(dat, tnef((), html="<p>El año</p>"), "application/ms-tnef")),
        text=("El año",),
    )
    yield Sample(
        "kind/winmail.dat cut short",
        multipart(plain, file_part(dat, winmail[: len(winmail) // 2], "application/ms-tnef")),
        text=("Hello plain",),
        note="winmail.dat",
    )
    yield Sample(
        "kind/winmail.dat that is none",
        multipart(plain, file_part(dat, b"nothing", "application/ms-tnef")),
        parts=("winmail.dat",),
    )
    invitation = (
        "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VTIMEZONE\nDTSTART:16010101T000000\nEND:VTIMEZONE\nBEGIN:VEVENT\n"
        "SUMMARY:Visita\\, dos p\n ersonas\nDTSTART;TZID=Europe/Madrid:20261125T100000\nLOCATION:Calle 1\n"
        "END:VEVENT\nEND:VCALENDAR\n"
    )
    yield Sample(
        "kind/invitation",
        multipart(plain, text_part(invitation, "calendar; method=REQUEST"), kind="alternative"),
        broken=False,
        source="RFC 5546, RFC 6047",
        text=("Hello plain",),
        parts=("file-1.ics",),
        calendar="REQUEST: Visita, dos personas, 2026-11-25 10:00 (Europe/Madrid), Calle 1",
    )
    inner = mail("Inner text", subject="=?utf-8?Q?a=C3=B1o?=")
    yield Sample(
        "kind/forwarded mail",
        multipart(plain, b"Content-Type: message/rfc822\n\n" + inner.replace(b"\r\n", b"\n")),
        broken=False,
        text=("Hello plain",),
        parts=("año.eml",),
    )
    yield Sample(
        "kind/forwarded mail in base64",
        multipart(
            plain, b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(inner)
        ),
        source="RFC 2046 §5.2.1 forbids it; GroupWise",
        parts=("mail-1.eml",),
        note="in base64",
    )
    yield Sample(
        "kind/nothing but a forwarded mail",
        mail(inner, content="Content-Type: message/rfc822\n"),
        broken=False,
        parts=("año.eml",),
    )
    signature = (
        b"Content-Type: application/pkcs7-signature; name=smime.p7s\nContent-Transfer-Encoding: base64\n\nMIIB\n"
    )
    yield Sample(
        "kind/S-MIME signed",
        multipart(plain, signature, kind="signed"),
        broken=False,
        source="RFC 8551",
        text=("Hello plain",),
        parts=("smime.p7s",),
        protection=("smime-signed",),
    )
    sealed = mail(
        "MIIBmQ==\n",
        content="Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\n"
        "Content-Transfer-Encoding: base64\n",
    )
    yield Sample(
        "kind/S-MIME encrypted",
        sealed,
        broken=False,
        source="RFC 8551",
        parts=("smime.p7m",),
        protection=("smime-encrypted",),
    )
    opaque = sealed.replace(b"enveloped-data", b"signed-data")
    yield Sample("kind/S-MIME signed, opaque", opaque, broken=False, source="RFC 8551", protection=("smime-signed",))
    pgp = multipart(
        b"Content-Type: application/pgp-encrypted\n\nVersion: 1\n",
        b"Content-Type: application/octet-stream; name=encrypted.asc\n\n-----BEGIN PGP MESSAGE-----\nx\n"
        b"-----END PGP MESSAGE-----\n",
        kind="encrypted",
    )
    yield Sample(
        "kind/PGP encrypted",
        pgp,
        broken=False,
        source="RFC 3156",
        protection=("pgp-encrypted",),
        parts=("encrypted.asc", "encrypted.asc"),
    )
    inline = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nHello signed\n-----BEGIN PGP SIGNATURE-----\n\n"
    "abc\n-----END PGP SIGNATURE-----\n"
    yield Sample(
        "kind/PGP signed, inline",
        mail(inline),
        broken=False,
        source="RFC 9580",
        own_text="Hello signed",
        protection=("pgp-signed",),
    )
    text_file = (
        b'Content-Type: text/plain; name="nota.txt"\nContent-Disposition: attachment; filename="nota.txt"\n\nnote'
    )
    yield Sample(
        "kind/text file",
        multipart(plain, text_file),
        broken=False,
        text=("Hello plain",),
        parts=("nota.txt",),
        content=b"note",
    )
    card = b"Content-Type: text/x-vcard; name=ana.vcf\n\nBEGIN:VCARD\nEND:VCARD\n"
    yield Sample("kind/card", multipart(plain, card), broken=False, parts=("ana.vcf",))
    png = file_part('Content-Disposition: inline; filename="a.png"\nContent-ID: i1@x', b"\x89PNG", "image/png")
    yield Sample("kind/Content-ID without brackets", multipart(plain, png), source="Lotus Notes", parts=("a.png",))
    nameless = file_part("", b"\x89PNG", "image/png")
    yield Sample("kind/file without a name", multipart(plain, nameless), source="Rails mail", parts=("file-1.png",))
    yield Sample(
        "kind/file in no multipart",
        mail(
            base64.encodebytes(b"%PDF-1"),
            content="Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n",
        ),
        broken=False,
        parts=("a.pdf",),
        content=b"%PDF-1",
    )
    enriched = mail("<bold>Hello</bold> there << you", content="Content-Type: text/enriched\n")
    yield Sample("kind/enriched text", enriched, broken=False, source="RFC 1896", text=("Hello there < you",))
    amp = multipart(
        plain,
        text_part("<html amp4email>amp</html>", "x-amp-html"),
        text_part("<p>Hello html</p>", "html"),
        kind="alternative",
    )
    yield Sample("kind/AMP", amp, broken=False, source="AMP for Email", text=("Hello plain",), parts=())


# ---------------------------------------------------------------- limits


def _limits() -> Iterator[Sample]:
    many = multipart(*(text_part(f"Part {number}") for number in range(5_200)))
    yield Sample(
        "limit/5,200 parts", many, source="issue: 5,000", text=("Part 0", "Part 4000"), note="more than 5000 parts"
    )
    crowd = mail("--x\nA: b\n\nc\n" * 100_000, content="Content-Type: multipart/mixed\n")
    yield Sample("limit/100,000 parts without a boundary named", crowd, subject="Order 44", note="more than 5000 parts")
    deep = text_part("At the bottom")
    for level in range(120):
        deep = multipart(deep, boundary=f"d{level}").split(b"MIME-Version: 1.0\r\n")[1].replace(b"\r\n", b"\n")
    nested = mail(deep.split(b"\n\n", 1)[1], content=deep.split(b"\n\n")[0].decode() + "\n")
    yield Sample("limit/120 deep", nested, source="CVE-2005 MIME nesting", subject="Order 44", note="deeper than")
    thousand = b"".join(b"--x\nContent-Type: multipart/mixed; boundary=x\n\n" for _ in range(3_000))
    yield Sample(
        "limit/3,000 multiparts in one another",
        mail(thousand, content="Content-Type: multipart/mixed; boundary=x\n"),
        subject="Order 44",
    )
    yield Sample(
        "limit/header of 3 MB", mail(headers=f"X-Big: {'x' * 3_000_000}\n"), subject="Order 44", note="headers are cut"
    )
    yield Sample(
        "limit/5,000 headers",
        mail(headers="".join(f"X-{n}: y\n" for n in range(5_000))),
        subject="Order 44",
        note="more than 1000 headers",
    )
    yield Sample("limit/text of 6 MB", mail(b"word " * 1_200_000), subject="Order 44", note="text is cut")
    yield Sample("limit/a line of a million quote marks", mail(b"Hello\n" + b">" * 1_000_000), text=("Hello",))
    yield Sample("limit/a line of a million spaces", mail(b"Hello\n" + b" " * 1_000_000 + b"x"), text=("Hello",))
    yield Sample("limit/two million lines", mail(b"x\n" * 2_000_000), subject="Order 44", note="told apart")
    yield Sample("limit/40 MB", mail(b"x" * 40_000_000), source="issue: 25 MB", refused=True)
    long_references = " ".join(f"<r{number}@x.example>" for number in range(5_000))
    yield Sample("limit/5,000 references", mail(headers=f"References: {long_references}\n"), subject="Order 44")
    nested_html = "<div>" * 50_000 + "deep text" + "</div>" * 50_000
    yield Sample("limit/HTML 50,000 deep", mail(nested_html, content="Content-Type: text/html\n"), text=("deep text",))


# ---------------------------------------------------------------- robots


def _robots() -> Iterator[Sample]:
    subjects = (
        ("en", "Automatic reply: Order 44"),
        ("es", "Respuesta automática: Order 44"),
        ("de", "Automatische Antwort: Order 44"),
        ("fr", "Réponse automatique : Order 44"),
        ("it", "Risposta automatica: Order 44"),
        ("pt", "Resposta automática: Order 44"),
        ("nl", "Automatisch antwoord: Order 44"),
        ("sv", "Autosvar: Order 44"),
        ("da", "Automatisk svar: Order 44"),
        ("fi", "Automaattinen vastaus: Order 44"),
        ("pl", "Automatyczna odpowiedź: Order 44"),
        ("cs", "Automatická odpověď: Order 44"),
        ("ru", "Автоматический ответ: Order 44"),
        ("zh", "自动回复: Order 44"),
        ("ja", "自動返信: Order 44"),
        ("ko", "자동 회신: Order 44"),
        ("tr", "Otomatik yanıt: Order 44"),
        ("el", "Αυτόματη απάντηση: Order 44"),
    )
    for language, subject in subjects:
        yield Sample(f"robot/subject in {language}", mail(subject=subject), broken=False, robot="auto_reply")
    for name, headers, subject, robot in (
        ("Auto-Submitted: auto-replied", "Auto-Submitted: auto-replied\n", "Order 44", "auto_reply"),
        ("out of office", "Auto-Submitted: auto-replied\n", "Out of Office: Order 44", "out_of_office"),
        ("fuera de la oficina", "Auto-Submitted: auto-replied\n", "Fuera de la oficina Re: Order 44", "out_of_office"),
        ("Abwesenheitsnotiz", "X-Auto-Response-Suppress: All\n", "Abwesenheitsnotiz: Order 44", "out_of_office"),
        ("Auto-Submitted: auto-generated", "Auto-Submitted: auto-generated\n", "Your invoice", "automatic"),
        ("X-Autoreply", "X-Autoreply: yes\n", "Re: Order 44", "auto_reply"),
        ("X-Autorespond", "X-Autorespond: Order 44\n", "Re: Order 44", "auto_reply"),
        ("Precedence: auto_reply", "Precedence: auto_reply\n", "Re: Order 44", "auto_reply"),
        ("Precedence: bulk", "Precedence: bulk\n", "News", "list"),
        ("List-Id", "List-Id: Friends <friends.lists.example>\n", "[friends] Hello", "list"),
        ("List-Unsubscribe", "List-Unsubscribe: <https://x.example/u>\n", "Offers", "list"),
        ("Auto-Submitted: no", "Auto-Submitted: no\n", "Order 44", ""),
        ("empty Return-Path", "Return-Path: <>\n", "Thank you for writing", "automatic"),
        ("a person's mail", "X-Mailer: iPhone Mail (20A362)\n", "Re: Order 44", ""),
        ("a person on holiday asks", "X-Mailer: iPhone\n", "Entrega durante las vacaciones", ""),
    ):
        yield Sample(
            f"robot/{name}", mail(subject=subject, headers=headers), broken=False, source="RFC 3834", robot=robot
        )
    yield Sample("robot/no-reply sender", mail(sender="Shop <no-reply@x.example>"), broken=False, robot="automatic")
    report = "Feedback-Type: abuse\nUser-Agent: X/1\nVersion: 1\nOriginal-Rcpt-To: <ana@x.example>\n"
    complaint = multipart(
        text_part("This is a complaint"),
        b"Content-Type: message/feedback-report\n\n" + report.encode(),
        b"Content-Type: message/rfc822\n\nMessage-ID: <out1@shop.example>\nSubject: Hi\n\nx",
        kind="report; report-type=feedback-report",
    )
    yield Sample("robot/complaint", complaint, broken=False, source="RFC 5965", robot="complaint")
    receipt = multipart(
        text_part("Your message was read"),
        b"Content-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; ana@x.example\n"
        b"Disposition: manual-action/MDN-sent-manually; displayed\n",
        kind="report; report-type=disposition-notification",
    )
    yield Sample("robot/receipt", receipt, broken=False, source="RFC 8098", robot="receipt")


def _bounces() -> Iterator[Sample]:
    daemon = "Mail Delivery Subsystem <mailer-daemon@mx.example>"
    original = "Message-ID: <out1@shop.example>\nFrom: help@shop.example\nSubject: Your order\n\nHello"

    def dsn(
        fields: str, *, copy: str = original, subject: str = "Undelivered Mail Returned to Sender", **more: str
    ) -> bytes:
        return multipart(
            text_part("I'm sorry to have to inform you that your message could not be delivered."),
            b"Content-Type: message/delivery-status\n\n" + fields.encode(),
            b"Content-Type: message/rfc822\n\n" + copy.encode(),
            kind="report; report-type=delivery-status",
            sender=daemon,
            subject=subject,
            **more,
        )

    usual = (
        "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; ana@x.example\nAction: failed\nStatus: 5.1.1\n"
        "Diagnostic-Code: smtp; 550 5.1.1 <ana@x.example>: Recipient address rejected\n"
    )
    base = Sample(
        "bounce/standard",
        dsn(usual),
        broken=False,
        source="RFC 3464",
        robot="bounce",
        bounced=(("ana@x.example", "5.1.1"),),
        bounce_of="out1@shop.example",
    )
    yield base
    yield replace(
        base,
        name="bounce/delayed",
        raw=dsn(usual.replace("failed", "delayed").replace("5.1.1", "4.2.2")),
        bounced=(("ana@x.example", "4.2.2"),),
    )
    two = usual + "\nFinal-Recipient: rfc822; luis@x.example\nAction: failed\nStatus: 5.2.2\n"
    yield replace(
        base,
        name="bounce/two recipients",
        raw=dsn(two),
        bounced=(("ana@x.example", "5.1.1"), ("luis@x.example", "5.2.2")),
    )
    yield replace(
        base, name="bounce/no empty line between the blocks", broken=True, raw=dsn(usual.replace("\n\n", "\n"))
    )
    yield replace(base, name="bounce/no Status", broken=True, raw=dsn(usual.replace("Status: 5.1.1\n", "")))
    yield replace(
        base,
        name="bounce/header of the original only",
        raw=dsn(usual).replace(b"message/rfc822", b"text/rfc822-headers"),
    )
    yield replace(
        base,
        name="bounce/Exchange names it in the references",
        raw=dsn(
            usual,
            copy="Subject: x\n\n",
            subject="Undeliverable: Your order",
            headers="In-Reply-To: <out1@shop.example>\n",
        ),
        source="Microsoft 365 NDR",
    )
    yield replace(
        base,
        name="bounce/alias",
        raw=dsn("Original-Recipient: rfc822;ana@x.example\n" + usual.split("\n\n")[1].replace("ana@", "box77@", 1)),
    )
    gmail = multipart(
        text_part(
            "** Address not found **\n\nYour message wasn't delivered to ana@x.example because the address "
            "couldn't be found."
        ),
        b"Content-Type: message/delivery-status\n\n" + usual.encode(),
        b"Content-Type: message/rfc822\n\n" + original.encode(),
        kind="report; report-type=delivery-status",
        sender="Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
        headers="X-Failed-Recipients: ana@x.example\nAuto-Submitted: auto-replied\n",
        subject="Delivery Status Notification (Failure)",
    )
    yield replace(base, name="bounce/Gmail", raw=gmail, source="Gmail")
    qmail = (
        "Hi. This is the qmail-send program at mx.example.\nI'm afraid I wasn't able to deliver your message "
        "to the following "
        "addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<ana@x.example>"
        ":\n192.0.2.1 does not "
        "like recipient.\nRemote host said: 550 5.1.1 unknown user\n\n--- Below this line is a copy of the "
        "message.\n\n" + original
    )
    yield Sample(
        "bounce/qmail",
        mail(qmail, sender="MAILER-DAEMON@mx.example", subject="failure notice"),
        source="cr.yp.to/proto/qsbmf.txt",
        robot="bounce",
        bounced=(("ana@x.example", "5.1.1"),),
        bounce_of="out1@shop.example",
    )
    exim = (
        "This message was created automatically by mail delivery software.\n\nA message that you sent could "
        "not be delivered to one "
        "or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  "
        "ana@x.example\n    SMTP error "
        "from remote mail server after RCPT TO:<ana@x.example>:\n    550 5.1.1 User unknown\n\n------ This "
        "is a copy of the message"
        ", including all the headers. ------\n\n" + original
    )
    yield Sample(
        "bounce/Exim",
        mail(
            exim,
            sender="Mail Delivery System <Mailer-Daemon@mx.example>",
            subject="Mail delivery failed: returning message to sender",
            headers="X-Failed-Recipients: ana@x.example\n",
        ),
        source="Exim",
        robot="bounce",
        bounced=(("ana@x.example", "5.1.1"),),
        bounce_of="out1@shop.example",
    )
    office = (
        "Delivery has failed to these recipients or groups:\n\nAna Perez (ana@x.example)\nThe email address "
        "you entered couldn't be "
        "found.\n\nDiagnostic information for administrators:\n\nana@x.example\n#550 5.1.10 "
        "RESOLVER.ADR.RecipientNotFound; not found ##\n\n"
        "Original message headers:\n\n" + original
    )
    yield Sample(
        "bounce/Microsoft 365 in words",
        mail(office, sender="postmaster@outlook.example", subject="Undeliverable: Your order"),
        source="Microsoft 365 NDR",
        robot="bounce",
        bounced=(("ana@x.example", "5.1.10"),),
        bounce_of="out1@shop.example",
    )
    exchange = (
        "Your message\n\n  To:      ana@x.example\n  Subject: Your order\n  Sent:    Mon, 20 Nov 2023\n\ndid "
        "not reach the following "
        "recipient(s):\n\nana@x.example on Mon, 20 Nov 2023 10:00:00 +0100\n    The recipient name is not "
        "recognized\n    MSEXCH:IMS:X:Y:Z 0 (000C05A6) Unknown Recipient\n"
    )
    yield Sample(
        "bounce/Exchange 5.5",
        mail(exchange, sender="System Administrator <postmaster@x.example>", subject="Undeliverable: Your order"),
        source="flufl.bounce",
        robot="bounce",
        bounced=(("ana@x.example", "5.0.0"),),
    )
    postfix = (
        "This is the Postfix program at host mx.example.\n\nI'm sorry to have to inform you that your "
        "message could not be\n"
        "delivered to one or more recipients.\n\n<ana@x.example>: host mx.x.example said: 550 5.1.1 unknown user\n"
    )
    plain_report = multipart(
        text_part(postfix), text_part("x"), sender=daemon, subject="Undelivered Mail Returned to Sender"
    )
    yield Sample(
        "bounce/a customer tells of one",
        mail("I got 'could not be delivered' from you", subject="Undeliverable?"),
        broken=False,
        robot="",
        bounced=(),
    )
    yield Sample("bounce/Postfix without the status part", plain_report, robot="bounce")
    spanish = mail(
        "No se ha podido entregar a los siguientes destinatarios:\n\nana@x.example\n550 5.7.1 rechazado",
        sender="postmaster@x.example",
        subject="No se puede entregar: Pedido",
    )
    yield Sample("bounce/in Spanish", spanish, robot="bounce")


def _refused() -> Iterator[Sample]:
    yield Sample("refused/empty", b"", refused=True)
    yield Sample("refused/white space", b" \r\n\t\r\n", refused=True)
    yield Sample("refused/NUL bytes", b"\0" * 500, refused=True)
    yield Sample("refused/a picture", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, refused=True)
    yield Sample("refused/plain words", b"Hello, this is no mail at all.\r\nJust words.\r\n", refused=True)
    yield Sample("refused/a page", b"<html><body>Hello</body></html>", refused=True)


# ---------------------------------------------------------------- good mails, damaged on the way


def _damaged() -> Iterator[Sample]:
    """Replies in mails that something broke: what their writers wrote must come out all the same."""
    damages = (
        *(_bare_line_feeds, _bare_returns, _unclosed, _wrong_charset, _no_identity, _nul_bytes, _rough_base64),
        *(_rough_quoted, _rough_header, _lost_boundary, _things_before, _cut_off, _doubled_header, _misnamed_encoding),
    )
    for position, one in enumerate(replies.replies()):
        damage = damages[position % len(damages)]
        yield Sample(
            f"damaged/{damage.__name__.strip('_')}/{one.name}",
            damage(one),
            source="what gateways and old clients do; each is found in the public corpora of MIME parsers",
            own_text=one.own,
        )


def _simple(one: replies.Reply, data: bytes | None = None, **options: str) -> bytes:
    kind = "plain" if one.text else "html"
    body = (one.text or one.html).encode() if data is None else data
    options.setdefault("content", f"Content-Type: text/{kind}; charset=utf-8\n")
    return mail(body, **options)


def _kind(one: replies.Reply) -> str:
    return "plain" if one.text else "html"


def _bare_line_feeds(one: replies.Reply) -> bytes:
    return _simple(one).replace(b"\r\n", b"\n", 5)


def _bare_returns(one: replies.Reply) -> bytes:
    return _simple(one).replace(b"\r\n", b"\r")


def _unclosed(one: replies.Reply) -> bytes:
    return multipart(text_part(one.text or one.html, _kind(one)), closing=False)


def _wrong_charset(one: replies.Reply) -> bytes:
    return _simple(one, content=f"Content-Type: text/{_kind(one)}; charset=iso-8859-1\n")


def _no_identity(one: replies.Reply) -> bytes:
    return _simple(one, message_id="", date="", sender="")


def _nul_bytes(one: replies.Reply) -> bytes:
    body = (one.text or one.html).encode()
    return _simple(one, b"\0" + body[:20] + b"\0" + body[20:] + b"\0")


def _rough_base64(one: replies.Reply) -> bytes:
    body = base64.encodebytes((one.text or one.html).encode()).rstrip(b"=\n")
    content = f"Content-Type: text/{_kind(one)}; charset=utf-8\nContent-Transfer-Encoding: Base64\n"
    return _simple(one, body[:30] + b" \xfe!" + body[30:], content=content)


def _rough_quoted(one: replies.Reply) -> bytes:
    body = quopri.encodestring((one.text or one.html).encode()).replace(b"=\n", b"= \n")
    content = f"Content-Type: text/{_kind(one)}; charset=utf-8\nContent-Transfer-Encoding: quoted-printable;\n"
    return _simple(one, body, content=content)


def _rough_header(one: replies.Reply) -> bytes:
    raw = _simple(one, subject="a subject that\ngoes on without indenting")
    return raw.replace(b"Date:", b">From someone\r\nDate :", 1)


def _lost_boundary(one: replies.Reply) -> bytes:
    raw = multipart(text_part(one.text or one.html, _kind(one)), boundary="=_real")
    return raw.replace(b'boundary="=_real"', b'boundary="=_other"')


def _things_before(one: replies.Reply) -> bytes:
    return b"\xef\xbb\xbf\r\n\r\nFrom ana@x Mon Nov 20 10:00:00 2023\r\n" + _simple(one)


def _cut_off(one: replies.Reply) -> bytes:
    raw = multipart(
        text_part(one.text or one.html, _kind(one)),
        file_part('Content-Disposition: attachment; filename="a.pdf"', b"x" * 900),
    )
    return raw[:-700]


def _doubled_header(one: replies.Reply) -> bytes:
    return _simple(one, headers="From: x@y.example\nSubject: again\nDate: yesterday\nMessage-ID: <again@y.example>\n")


def _misnamed_encoding(one: replies.Reply) -> bytes:
    content = f"Content-Type: text/{_kind(one)};charset=UTF-8;;\nContent-Transfer-Encoding: 8 bits please\n"
    return _simple(one, content=content)
