"""How far the proof of one address reaches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.verification import Link, effective_level

CHAT = Link("chat", "webchat", "first_message")
STATED = Link("number", "sms", "stated", "chat")
WHATSAPP = Link("whatsapp", "whatsapp", "same_number", "number")
CALL = Link("call", "voice", "same_number", "number")
SIGNED = Link("mail", "email", "signed_identity", "chat")
LAPTOP = Link("laptop", "webchat", "signed_identity", "mail")
BY_AGENT = Link("other", "sms", "agent")
MERGED = Link("merged", "webchat", "first_message")
ALL = (CHAT, STATED, WHATSAPP, CALL, SIGNED, LAPTOP, BY_AGENT, MERGED)


@pytest.mark.parametrize(
    ("verified", "writer", "holds"),
    [
        ("chat", "chat", True),
        ("chat", "number", True),  # who was verified named it
        ("chat", "whatsapp", True),  # the same number as that
        ("chat", "mail", True),  # the shop signed for it
        ("chat", "laptop", True),  # and for this one by the same address
        ("laptop", "chat", True),
        ("mail", "number", True),
        ("number", "whatsapp", True),
        ("whatsapp", "number", True),
        ("number", "chat", False),  # a chat that names somebody's number is not its owner
        ("whatsapp", "chat", False),
        ("number", "mail", False),
        ("number", "laptop", False),
        ("chat", "call", False),  # a caller's number can be forged, and the caller hears the answer
        ("number", "call", False),
        ("call", "call", True),
        ("call", "number", True),
        ("chat", "other", False),  # an agent's word is no proof
        ("chat", "merged", False),
        ("merged", "chat", False),
        ("chat", "nobody", False),  # given to somebody else meanwhile
        ("", "chat", False),
    ],
)
def test_what_was_proved_from_one_address_holds_for_another_or_does_not(
    verified: str, writer: str, holds: bool
) -> None:
    assert effective_level("verified", verified, writer, ALL) == ("verified" if holds else "none")
    assert effective_level("none", verified, writer, ALL) == "none"


LINKS = st.lists(
    st.builds(
        Link,
        st.sampled_from("abcde"),
        st.sampled_from(["webchat", "sms", "voice"]),
        st.sampled_from(["first_message", "stated", "signed_identity", "same_number", "agent"]),
        st.sampled_from(["", *"abcde"]),
    ).filter(lambda link: link.stated_by != link.identity_id),  # nobody names the address that they write from
    unique_by=lambda link: link.identity_id,
)


@given(links=LINKS, verified=st.sampled_from("abcde"), writer=st.sampled_from("abcde"))
def test_nothing_is_proved_by_what_an_unproved_address_states(links: list[Link], verified: str, writer: str) -> None:
    """Whatever the writer, and those known by it, state: without them the level is the same."""
    level = effective_level("verified", verified, writer, links)
    if writer == verified:
        assert level == "verified"
        return
    without = [
        link
        for link in links
        if not (link.evidence == "stated" and link.stated_by == writer and link.identity_id != verified)
    ]
    assert effective_level("verified", verified, writer, without) == level
    own = [
        Link(link.identity_id, link.channel, "first_message") if link.identity_id == verified else link
        for link in links
        if link.evidence == "stated"
    ]
    if effective_level("verified", verified, writer, own) == "verified":
        (mine,) = (link for link in links if link.identity_id == writer)
        assert mine.stated_by == verified, "a statement counts only from whoever was verified"
