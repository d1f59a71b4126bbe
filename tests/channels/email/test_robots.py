"""Robots, bounces and verdicts on spam: what the corpus does not show."""

from __future__ import annotations

import pytest

from channels.email.mime import Mail, parse_mail
from channels.email.robots import Bounce, Robot, bounces, complaint, robot, spam_verdict
from tests.channels.email.corpus import mail, samples


def read(raw: bytes) -> Mail:
    found = parse_mail(raw)
    assert isinstance(found, Mail)
    return found


def sample(name: str) -> Mail:
    return read(next(one.raw for one in samples() if one.name == name))


def test_a_bounce_tells_all_about_it() -> None:
    assert bounces(sample("bounce/standard")) == (
        Bounce(
            recipient="ana@x.example",
            status="5.1.1",
            action="failed",
            diagnostic="550 5.1.1 <ana@x.example>: Recipient address rejected",
            original_message_id="out1@shop.example",
        ),
    )


def test_a_delay_is_no_failure() -> None:
    assert [one.action for one in bounces(sample("bounce/delayed"))] == ["delayed"]


def test_a_bounce_in_words_says_what_the_server_said() -> None:
    (found,) = bounces(sample("bounce/qmail"))
    assert found.action == "failed"
    assert "550 5.1.1 unknown user" in found.diagnostic


def test_a_complaint() -> None:
    found = complaint(sample("robot/complaint"))
    assert found is not None
    assert (found.kind, found.recipient, found.original_message_id) == ("abuse", "ana@x.example", "out1@shop.example")
    assert complaint(read(mail())) is None


def test_a_subject_alone_is_weak_evidence() -> None:
    assert robot(read(mail(subject="Automatic reply: x"))) == Robot("auto_reply", False, "subject")
    assert robot(read(mail(subject="Automatic reply: x", headers="Auto-Submitted: auto-replied\n"))).certain


def test_a_person_is_no_robot() -> None:
    assert robot(read(mail())) == Robot()


def test_a_customer_who_writes_of_a_bounce_is_a_person() -> None:
    text = "I got: Undelivered Mail Returned to Sender. 550 5.1.1 user unknown"
    assert robot(read(mail(text, subject="Undelivered Mail Returned to Sender"))) == Robot()
    assert bounces(read(mail(text))) == ()


@pytest.mark.parametrize(
    ("headers", "spam", "dmarc"),
    [
        ("", False, "none"),
        ("X-Spam-Flag: YES\n", True, "none"),
        ("X-Spam-Flag: NO\n", False, "none"),
        ("X-Spam-Status: Yes, score=12\n", True, "none"),
        ("X-Forefront-Antispam-Report: CIP:1.2.3.4;SFV:SPM;SCL:9\n", True, "none"),
        ("X-MS-Exchange-Organization-SCL: 6\n", True, "none"),
        ("X-MS-Exchange-Organization-SCL: -1\n", False, "none"),
        ("X-Rspamd-Action: add header\n", True, "none"),
        ("Authentication-Results: mx.shop.example; spf=pass; dkim=pass; dmarc=pass (p=NONE)\n", False, "pass"),
        ("Authentication-Results: mx.shop.example; spf=fail; dmarc=fail\n", True, "fail"),
        (
            "Authentication-Results: mx.shop.example; dmarc=fail\nAuthentication-Results: evil; dmarc=pass\n",
            True,
            "fail",
        ),
    ],
)
def test_verdicts(headers: str, spam: bool, dmarc: str) -> None:
    found = spam_verdict(read(mail(headers=headers)))
    assert (found.spam, found.dmarc) == (spam, dmarc)
    assert bool(found.reason) == spam


def test_only_our_own_servers_are_believed() -> None:
    headers = (
        "Authentication-Results: evil.example; dmarc=pass\nAuthentication-Results: mx.shop.example 1; dmarc=fail\n"
    )
    assert spam_verdict(read(mail(headers=headers)), trusted_hosts=["MX.shop.example"]).dmarc == "fail"
    assert spam_verdict(read(mail(headers=headers)), trusted_hosts=["other.example"]).dmarc == "none"
