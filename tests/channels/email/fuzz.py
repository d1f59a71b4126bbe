"""A fuzz target over everything that reads a stranger's bytes.

`python -m tests.channels.email.fuzz -max_total_time=600` runs it for ten minutes; other options are libFuzzer's.

Needs atheris, which is no dependency of the project. It begins from the corpus, so that it need not discover MIME. A
slow input counts as a failure, too: `-timeout=20` is set.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["channels.email", "hub.domain.mail_threading"]):
    from channels.email.html import clean_html, lines_of
    from channels.email.mime import Limits, Mail, MailPart, Unparsed, _parse, parse_mail
    from channels.email.reply_text import reply_text
    from channels.email.robots import bounces, complaint, robot, spam_verdict
    from channels.email.thread import thread_headers
    from hub.domain.mail_threading import Known, lookups, place

SMALL = Limits(size=400_000, parts=200, depth=20, recipients=200, text=200_000)


def read_everything(raw: bytes) -> None:
    """Reads `raw` by every way there is; whatever is raised is a mistake of ours."""
    mail = parse_mail(raw, SMALL)
    if isinstance(mail, Unparsed):
        assert mail.raw == raw, "the bytes of what cannot be read are kept"
        assert not mail.reason.startswith("cannot be read"), mail.reason
        return
    assert isinstance(mail, Mail)
    if any("told apart" in note for note in mail.notes):
        _parse(raw, SMALL, plainly=False)  # raises what made the parser fall back, which hides it
    assert mail.raw == raw
    assert mail.message_id, "every mail has an id"
    assert all(isinstance(part, MailPart) and "/" not in part.name for part in mail.parts), "a name is no path"
    assert all(index < len(mail.parts) for index in mail.content_ids.values())
    parted = reply_text(mail.text, mail.html)
    if (mail.text or mail.html).strip() and not mail.html:
        words = sum(1 for letter in mail.text if letter.isalnum())
        kept = sum(1 for letter in parted.own_text + parted.rest if letter.isalnum())
        # Only the wrapping of a signed mail is dropped.
        assert kept >= words or "PGP SIGNED" in mail.text, "text was lost"
    cleaned = clean_html(mail.html, mail.content_ids).html.lower()
    assert "<script" not in cleaned, "nothing that runs is left"
    lines_of(mail.html)
    robot(mail)
    bounces(mail)
    complaint(mail)
    spam_verdict(mail)
    headers = thread_headers(mail)
    place(headers, lookups(headers, [b"key"]), Known())
    mail.subject.encode()
    mail.text.encode()
    mail.html.encode()


def main() -> None:
    from tests.channels.email.corpus import samples  # noqa: PLC0415  # not to be instrumented

    folder = Path(tempfile.mkdtemp(prefix="mail-fuzz-"))
    for position, one in enumerate(samples()):
        if len(one.raw) < 20_000:
            (folder / f"{position:04}").write_bytes(one.raw)
    words = folder.parent / f"{folder.name}.dict"
    entries = ("Content-Type: ", "multipart/", "boundary=", "=?utf-8?B?", "=?utf-8?Q?", "message/rfc822", "base64")
    entries += ("quoted-printable", "--b1", "\\x0d\\x0a", "charset=", "filename*0*=", "> ", "On Mon, wrote:", "<div ")
    words.write_text("".join(f'"{entry}"\n' for entry in entries))
    options = ["-timeout=20", "-max_len=30000", f"-dict={words}", *sys.argv[1:], str(folder)]
    atheris.Setup([sys.argv[0], *options], read_everything)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
