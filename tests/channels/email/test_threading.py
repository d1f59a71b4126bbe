"""Which conversation a mail belongs to: the labelled threads, the strangers, and the functions one by one."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.mail_threading import (
    Claim,
    Known,
    Placement,
    Rule,
    ThreadHeaders,
    bare_subject,
    lookups,
    normal_address,
    place,
    read_token,
    reply_address,
    reply_token,
    subject_mark,
    thread_root,
    ticket_numbers,
    without_prefixes,
)
from tests.channels.email.threads import Play, pairs, strangers_let_in

KEY = b"key"
DECIDED = Play().run()


class TestLabelledThreads:
    def test_there_are_enough(self) -> None:
        assert len(DECIDED) >= 150
        assert sum(one.mail.stranger for one in DECIDED) >= 40

    def test_pairs_are_right(self) -> None:
        found = pairs(DECIDED)
        assert found.accuracy >= 0.99
        assert found.f1 >= 0.99

    def test_no_stranger_gets_in(self) -> None:
        assert strangers_let_in(DECIDED) == []

    def test_what_strangers_claim_is_shown(self) -> None:
        hidden = [
            one.mail.name
            for one in DECIDED
            if one.mail.claimed and one.mail.claimed not in {claim.conversation_id for claim in one.placement.claims}
        ]
        assert hidden == []

    def test_every_rule_is_needed(self) -> None:
        assert {one.placement.rule for one in DECIDED} == set(Rule)


def decide(headers: ThreadHeaders, **known: object) -> Placement:
    members = {
        "C1": frozenset({"ana@x.example"}),
        "C2": frozenset({"ana@x.example"}),
        "C3": frozenset({"luis@x.example"}),
    }
    return place(headers, lookups(headers, [KEY]), Known(participants=members, **known))  # type: ignore[arg-type]


class TestOrder:
    def test_what_it_answers_before_what_it_refers_to(self) -> None:
        headers = ThreadHeaders("ana@x.example", in_reply_to=("b@s",), references=("a@s", "c@s"))
        found = decide(headers, by_message_id={"a@s": "C1", "b@s": "C2", "c@s": "C1"})
        assert found == Placement(Rule.IN_REPLY_TO, "C2", "b@s")

    def test_the_nearest_reference_first(self) -> None:
        headers = ThreadHeaders("ana@x.example", references=("a@s", "b@s"))
        assert decide(headers, by_message_id={"a@s": "C1", "b@s": "C2"}) == Placement(Rule.REFERENCES, "C2", "b@s")

    def test_references_before_token_before_number(self) -> None:
        address = reply_address("help@shop.example", "C2", KEY)
        headers = ThreadHeaders("ana@x.example", "Re: [#7] x", references=("a@s",), recipients=(address,))
        known: dict[str, object] = {"by_message_id": {"a@s": "C1"}, "by_ticket_number": {7: "C1"}}
        assert decide(headers, **known).rule is Rule.REFERENCES
        known["by_message_id"] = {}
        assert decide(headers, **known) == Placement(Rule.TOKEN, "C2", "C2")
        headers = ThreadHeaders("ana@x.example", "Re: [#7] x")
        assert decide(headers, **known) == Placement(Rule.TICKET_NUMBER, "C1", "7")

    def test_nothing_known_is_new(self) -> None:
        headers = ThreadHeaders("ana@x.example", "Re: [#9] x", ("z@s",), ("y@s",))
        assert decide(headers) == Placement(Rule.NEW)

    def test_a_subject_alone_ties_nothing(self) -> None:
        assert decide(ThreadHeaders("ana@x.example", "Re: Problem with my order")).rule is Rule.NEW

    def test_an_outlook_thread_whose_topic_changed_is_a_new_matter(self) -> None:
        index = base64.b64encode(b"\x01" + bytes(21)).decode()
        root = thread_root(index)
        known: dict[str, object] = {"by_thread_root": {root: "C1"}, "thread_topics": {"C1": "Invoice 1"}}
        same = ThreadHeaders("ana@x.example", thread_index=index, thread_topic="RE: invoice 1")
        other = ThreadHeaders("ana@x.example", thread_index=index, thread_topic="A broken chair")
        assert decide(same, **known) == Placement(Rule.THREAD_INDEX, "C1", root)
        assert decide(other, **known).rule is Rule.NEW


class TestStrangers:
    def test_a_stranger_only_claims(self) -> None:
        headers = ThreadHeaders(
            "eve@x.example", "[#7]", ("a@s",), recipients=(reply_address("h@s.example", "C2", KEY),)
        )
        found = decide(headers, by_message_id={"a@s": "C1"}, by_ticket_number={7: "C3"})
        assert found.rule is Rule.NEW
        assert found.claims == (
            Claim("C1", Rule.IN_REPLY_TO),
            Claim("C2", Rule.TOKEN),
            Claim("C3", Rule.TICKET_NUMBER),
        )

    def test_who_belongs_elsewhere_comes_there_and_claims_the_other(self) -> None:
        headers = ThreadHeaders("luis@x.example", in_reply_to=("a@s",), references=("b@s",))
        found = decide(headers, by_message_id={"a@s": "C1", "b@s": "C3"})
        assert found == Placement(Rule.REFERENCES, "C3", "b@s", (Claim("C1", Rule.IN_REPLY_TO),))

    def test_a_forged_sender_is_a_stranger(self) -> None:
        headers = ThreadHeaders("ana@x.example", in_reply_to=("a@s",), forged=True)
        assert decide(headers, by_message_id={"a@s": "C1"}) == Placement(
            Rule.NEW, claims=(Claim("C1", Rule.IN_REPLY_TO),)
        )

    def test_a_sender_without_an_address_is_a_stranger(self) -> None:
        headers = ThreadHeaders("", in_reply_to=("a@s",))
        found = place(headers, lookups(headers, []), Known({"a@s": "C1"}, participants={"C1": frozenset({""})}))
        assert found.rule is Rule.NEW

    def test_a_conversation_without_participants_takes_nobody(self) -> None:
        headers = ThreadHeaders("ana@x.example", in_reply_to=("a@s",))
        assert decide(headers, by_message_id={"a@s": "C9"}).rule is Rule.NEW


class TestIds:
    @pytest.mark.parametrize(
        "given_id", ["A.b@Shop.Example", "<A.b@Shop.Example>", "<<A.b@shop.example>>", " A.b@shop.example "]
    )
    def test_an_id_is_found_as_gateways_write_it(self, given_id: str) -> None:
        headers = ThreadHeaders("ana@x.example", in_reply_to=(given_id,))
        assert decide(headers, by_message_id={"A.b@shop.example": "C1"}).conversation_id == "C1"

    def test_lookups_are_bounded(self) -> None:
        headers = ThreadHeaders("a@b.c", references=tuple(f"{number}@x" for number in range(5_000)))
        ids = lookups(headers, []).message_ids
        assert len(ids) == 200
        assert ids[0] == "4999@x"
        assert ids[-1] == "0@x"

    def test_replies_keep_the_root_of_an_outlook_thread(self) -> None:
        root = b"\x01" + bytes(range(21))
        first, reply = base64.b64encode(root).decode(), base64.b64encode(root + b"abcde").decode()
        assert thread_root(first) == thread_root(reply) == bytes(range(5, 21)).hex()
        assert thread_root(f"{reply[:20]} {reply[20:]}") == thread_root(first)
        for wrong in ("", "????", "AAAA", base64.b64encode(b"short").decode()):
            assert thread_root(wrong) == ""


class TestTokens:
    def test_a_token_comes_back(self) -> None:
        address = reply_address("help@shop.example", "01JABCDEFGHJKMNPQRSTVWXYZ0", KEY)
        assert address.endswith("@shop.example")
        assert len(address.partition("@")[0]) <= 64
        for form in (address, address.upper(), f"<{address}>"):
            assert read_token(form, [b"newer", KEY]) == "01JABCDEFGHJKMNPQRSTVWXYZ0"

    def test_other_separators(self) -> None:
        address = reply_address("help@shop.example", "01J", KEY, separator="-")
        assert address.startswith("help-c01j-")
        assert read_token(address, [KEY]) == "01J"

    def test_a_token_of_another_key_is_none(self) -> None:
        assert read_token(reply_address("help@shop.example", "01J", KEY), [b"other"]) == ""

    @given(st.integers(0, 30), st.characters(codec="ascii"))
    def test_a_changed_token_is_none(self, at: int, put: str) -> None:
        token = reply_token("01JABC", KEY)
        at %= len(token)
        changed = token[:at] + put.lower() + token[at + 1 :]
        assert (read_token(f"help+{changed}@shop.example", [KEY]) == "01JABC") == (changed == token)

    def test_what_does_not_fit(self) -> None:
        long = "a" * 60 + "@shop.example"
        assert reply_address(long, "01J", KEY) == long
        with pytest.raises(ValueError, match="conversation_id"):
            reply_token("a b", KEY)
        with pytest.raises(ValueError, match="mailbox"):
            reply_address("help", "01J", KEY)


class TestAddresses:
    @pytest.mark.parametrize(
        ("one", "other", "same"),
        [
            ("Ana@X.example", "ana@x.EXAMPLE", True),
            ("a.n.a+x@gmail.com", "ana@googlemail.com", True),
            ("ana+x@x.example", "ana@x.example", False),
            ("a.na@x.example", "ana@x.example", False),
            ("ana@españa.example", "ana@xn--espaa-rta.example", True),
            ("ana@x.example.", "ana@x.example", True),
            ("ana@x.example", "ana@x.example.evil", False),
        ],
    )
    def test_the_same_mailbox(self, one: str, other: str, same: bool) -> None:
        assert (normal_address(one) == normal_address(other)) is same

    @pytest.mark.parametrize("wrong", ["", "ana", "@x.example", " "])
    def test_no_address(self, wrong: str) -> None:
        assert normal_address(wrong) == ""


class TestSubjects:
    @pytest.mark.parametrize(
        "prefix",
        [
            "Re:",
            "RE :",
            "Re[2]:",
            "Re^3:",
            "Fwd:",
            "AW:",
            "WG:",
            "RV:",
            "RES:",
            "ENC:",
            "TR:",
            "Rép :",
            "R:",
            "I:",
            "Antw:",
            "SV:",
            "VS:",
            "Odp:",
            "PD:",
            "Vá:",
            "Ynt:",
            "İLT:",
            "Отв:",
            "Ответ:",
            "На:",
            "回复：",
            "回覆:",
            "转发:",
            "答复:",
            "返信:",
            "Απ:",
            "ΑΠ:",
            "Răsp:",
            "Sv: Re: AW:",
            "[EXTERNAL] RE:",
            "회신:",
            "رد:",
            "השב:",
            "Atb:",
            "Odg:",
            "Trả lời:",
        ],
    )
    def test_prefixes_of_many_languages(self, prefix: str) -> None:
        assert without_prefixes(f"{prefix} Pedido Ñ 44") == "Pedido Ñ 44"
        assert bare_subject(f"{prefix} Pedido Ñ 44") == bare_subject("pedido ñ  44")

    @pytest.mark.parametrize(
        "subject", ["Reunión: mañana", "Information: x", "Ref: 123", "Recibo: 3", "Oferta", "Re", "Ideas: x"]
    )
    def test_what_is_no_prefix(self, subject: str) -> None:
        assert without_prefixes(subject) == subject

    @pytest.mark.parametrize(
        ("subject", "numbers"),
        [
            ("Re: Order [#1234]", (1234,)),
            ("[Shop #12] x", (12,)),
            ("AW: [ # 77 ] x", (77,)),
            ("回复：［＃１２］", (12,)),
            ("ticket #5 and (#6)", (5, 6)),
            ("Incidencia nº: 9", (9,)),
            ("Order #1234", ()),
            ("1234", ()),
            ("[#0] [#]", ()),
            ("[#99999999999999]", ()),
        ],
    )
    def test_numbers(self, subject: str, numbers: tuple[int, ...]) -> None:
        assert ticket_numbers(subject) == numbers

    def test_our_own_mark_is_read(self) -> None:
        assert ticket_numbers(f"Re: x {subject_mark(12345)}") == (12345,)

    @given(st.text(max_size=200))
    def test_any_subject_is_taken(self, subject: str) -> None:
        ticket_numbers(subject)
        assert bare_subject(bare_subject(subject)) == bare_subject(subject) or len(subject) > 100
