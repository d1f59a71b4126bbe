"""Ids that gateways give our mails: read from their answers, told apart from ids of queues."""

from __future__ import annotations

import pytest

from channels.email.gateways import ids_given, may_be_given

SES = "0102018f2b6a1c3d-7e4d6c1a-2f6b-4a10-9f1e-3d2c1b0a9f8e-000000"


@pytest.mark.parametrize(
    ("host", "words", "given"),
    [
        ("email-smtp.eu-west-1.amazonaws.com", f"Ok {SES}", f"{SES}@eu-west-1.amazonses.com"),
        ("email-smtp.us-east-1.amazonaws.com", f"Ok {SES}", f"{SES}@email.amazonses.com"),
        ("email-smtp-fips.us-gov-west-1.amazonaws.com", f"Ok {SES}", f"{SES}@us-gov-west-1.amazonses.com"),
        (
            "smtp.office365.com",
            "2.0.0 OK <AB1@EUR.prod.outlook.com> [Hostname=AB1.prod.outlook.com]",
            "AB1@EUR.prod.outlook.com",
        ),
        (
            "mail.firm.example",
            "2.6.0 <a1@firm.example> [InternalId=4, Hostname=X] 1524 bytes in 0.1, 12 KB/sec Queued mail for delivery",
            "a1@firm.example",
        ),
    ],
)
def test_the_id_that_a_gateway_gives_is_read_from_its_answer(host: str, words: str, given: str) -> None:
    assert ids_given(host, words) == (given,)


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("email-smtp.eu-west-1.amazonaws.com", "Ok"),
        ("email-smtp.eu-west-1.amazonaws.com.evil.example", f"Ok {SES}"),
        ("smtp.mailgun.org", "Great success"),
        ("smtp.sendgrid.net", "Ok: queued as aB3dE5fG7hI9"),
        ("smtp.gmail.com", "2.0.0 OK  1700000000 a1-20020a1709061234sm1234567ejc.1 - gsmtp"),
        ("mail.example.org", "2.0.0 Ok: queued as 4SbXyZ1234"),
        ("mail.example.org", "thanks <somebody@example.org>"),
        ("", ""),
    ],
)
def test_the_id_of_a_queue_is_none_of_a_mail(host: str, words: str) -> None:
    assert ids_given(host, words) == ()


def test_only_gateways_that_replace_ids_may_have_given_one() -> None:
    assert may_be_given(f"{SES}@email.amazonses.com")
    assert may_be_given("AB1@EUR.prod.outlook.com")
    assert not may_be_given("a@notamazonses.com")
    assert not may_be_given("a@example.org")
    assert not may_be_given("")
