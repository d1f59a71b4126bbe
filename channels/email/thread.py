"""What of a mail says where it belongs, for `hub.domain.mail_threading`."""

from __future__ import annotations

from channels.email.mime import Mail
from hub.domain.mail_threading import ThreadHeaders


def thread_headers(mail: Mail, *, forged: bool = False) -> ThreadHeaders:
    """A mail's part in threading; `forged` where the receiving server says that its sender is not who it shows
    (`spam_verdict(mail).dmarc == "fail"`)."""
    author = mail.author
    return ThreadHeaders(
        sender=author.address if author is not None else "",
        subject=mail.subject,
        in_reply_to=mail.in_reply_to,
        references=mail.references,
        thread_index=mail.thread_index,
        thread_topic=mail.thread_topic,
        recipients=tuple(one.address for one in (*mail.delivered_to, *mail.to, *mail.cc)),
        forged=forged,
    )
