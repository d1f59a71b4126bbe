"""The figures of reading mail: `python -m tests.channels.email.quality` prints them as JSON.

Rates are per second of one processor. The plain loop beside the parser is the standard library's parser and no more.
With `--libraries` the libraries that separate replies are measured beside, where they are installed: the project does
not depend on them.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
import time
from collections.abc import Callable, Sequence
from email import message_from_bytes
from email.policy import compat32
from typing import Any

from channels.email.html import clean_html
from channels.email.mime import Mail, parse_mail
from channels.email.reply_text import reply_text
from channels.email.robots import robot
from tests.channels.email.corpus import Sample, samples
from tests.channels.email.judge import failures, own_text_right, squeezed
from tests.channels.email.threads import Play, pairs, strangers_let_in


def run() -> dict[str, object]:
    """Counts, shares (0 to 1) and rates by name."""
    corpus = samples()
    readings = [parse_mail(one.raw) for one in corpus]
    replies = [one for one in corpus if one.own_text is not None]
    wrong = [one.name for one in replies if not own_text_right(one)]
    decided = Play().run()
    compared = pairs(decided)
    usual = [one.raw for one in corpus if len(one.raw) < 100_000 and not one.refused]
    mails = [mail for mail in map(parse_mail, usual) if isinstance(mail, Mail)]
    return {
        "mails": len(corpus),
        "broken": sum(one.broken for one in corpus),
        "parsed": sum(isinstance(one, Mail) for one in readings),
        "refused": sum(not isinstance(one, Mail) for one in readings),
        "not_as_expected": [one.name for one in corpus if failures(one)],
        "replies": len(replies),
        "own_text_right": round(1 - len(wrong) / len(replies), 4),
        "own_text_wrong": wrong,
        "thread_mails": compared.mails,
        "pairwise_accuracy": compared.accuracy,
        "pairwise_f1": compared.f1,
        "strangers": sum(one.mail.stranger for one in decided),
        "strangers_let_in": strangers_let_in(decided),
        "mean_size_bytes": sum(map(len, usual)) // len(usual),
        "parsed_per_second": _rate(parse_mail, usual),
        "standard_library_per_second": _rate(lambda raw: message_from_bytes(raw, policy=compat32), usual),
        "replies_per_second": _rate(lambda mail: reply_text(mail.text, mail.html), mails),
        "robots_per_second": _rate(robot, mails),
        "cleaned_per_second": _rate(
            lambda mail: clean_html(mail.html, mail.content_ids), [mail for mail in mails if mail.html]
        ),
    }


def _rate(work: Callable[[Any], object], items: Sequence[Any], seconds: float = 2.0) -> int:
    done = 0
    started = time.process_time()
    while True:
        for item in items:
            work(item)
        done += len(items)
        spent = time.process_time() - started
        if spent >= seconds:
            return round(done / spent)


def libraries() -> dict[str, float]:
    """The share of text replies (those without HTML) that kept libraries get right on the same corpus."""
    texts = [one for one in samples() if one.own_text is not None and one.name.startswith("reply/")]
    plain: list[tuple[Sample, str]] = []
    for one in texts:
        mail = parse_mail(one.raw)
        if isinstance(mail, Mail) and not mail.html:
            plain.append((one, mail.text))
    found = {"this": _share(plain, lambda text: reply_text(text).own_text)}
    for name, build in (("mailparser_reply", _mailparser_reply), ("quotequail", _quotequail)):
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        found[name] = _share(plain, build(module))
    return found


def _mailparser_reply(module: object) -> Callable[[str], str]:
    languages = list(importlib.import_module("mailparser_reply.constants").MAIL_LANGUAGES)
    parser = module.EmailReplyParser(languages=languages)  # type: ignore[attr-defined]

    def parse(text: str) -> str:
        found = parser.read(text).replies
        return found[0].body if found else ""

    return parse


def _quotequail(module: object) -> Callable[[str], str]:
    quote = module.quote  # type: ignore[attr-defined]

    def parse(text: str) -> str:
        return "\n".join(piece for shown, piece in quote(text, quote_intro_line=True) if shown)

    return parse


def _share(plain: Sequence[tuple[Sample, str]], parse: Callable[[str], str]) -> float:
    # Whether a signature belongs to the reply is a matter of taste: what counts is that the own words are there first
    # and nothing that was quoted is.
    right = 0
    for one, text in plain:
        got = squeezed(re.sub(r"[*_-]", "", parse(text)))
        want = squeezed(re.sub(r"[*_-]", "", one.own_text or ""))
        quoted = "Which colour" in got and "Which colour" not in want
        right += want in got and not quoted and len(got) <= len(want) + 60
    return round(right / len(plain), 4)


if __name__ == "__main__":
    figures = run()
    if "--libraries" in sys.argv:
        figures["libraries"] = libraries()
    print(json.dumps(figures, indent=1, ensure_ascii=False))
    sys.exit(bool(figures["not_as_expected"] or figures["strangers_let_in"]))
