"""The firm's page: an answer from it is what a mail's answer is; taken back, done and closed it takes none."""

from __future__ import annotations

from typing import Any

import pytest

from hub.domain.errors import BadSignature, Conflict, NotFound, Refused
from hub.domain.hours import MINUTE, SECOND
from hub.domain.rendering import phrase
from hub.services import assignment, attachments, merging, vendor_page, vendors
from hub.services.vendor_page import State
from hub.store import replay
from hub.store import tables as t
from hub.store.queries import consent as consent_queries
from tests.fixtures_hub import ANA, World
from tests.services.test_letters import Mails, ours
from tests.services.test_letters import mails as mails  # the fixture
from tests.services.test_vendors import ACTOR, SECRET, WORKSHOP, Asking, add

NOBODY = "nobody@firm.example.com"


@pytest.fixture
def paged(world: World, mails: Mails) -> Asking:
    """A firm with a page, which has promised an answer."""
    return Asking(world, mails, add(world, page=True, answer_within=120 * MINUTE))


def question(asking: Asking, conversation_id: str) -> str:
    return next(each.id for each in asking.said(conversation_id) if each.author_kind == "agent")


def answer(world: World, message_id: str, text: str = "Yes.", nonce: str = "one", **fields: Any) -> str:
    given = {"attachment_ids": (), "done": False} | fields
    files = given.pop("attachment_ids")
    return world.store.write(lambda tx: vendor_page.answer(tx, message_id, text, files, nonce, **given))


def state(world: World, message_id: str) -> State:
    with world.store.read() as connection:
        return vendor_page.page(connection, message_id).state


def test_only_the_mail_that_leaves_has_the_address_and_only_until_it_expires(
    paged: Asking, mails: Mails, world: World
) -> None:
    conversation_id, _ = mails.arrive()
    sent = paged.ask(conversation_id)
    message_id = question(paged, conversation_id)
    derive, base = world.hub.box.derive, world.hub.settings.public_url
    (line,) = [each for each in sent.text.splitlines() if each.startswith(f"{base}/firm/")]
    token = line.removeprefix(f"{base}/firm/")
    assert vendor_page.opened(derive, token, world.clock.now()) == message_id
    with world.store.read() as connection:
        rows = connection.execute(t.letter.select()).all()
    assert not any(token in repr(row) for row in rows), "whoever reads what is stored cannot answer for the firm"
    unpaged = add(world, "Other", NOBODY)
    assert "/firm/" not in paged.ask(conversation_id, vendor_id=unpaged).text
    end = world.clock.now() + vendor_page.GOOD_FOR * SECOND
    with pytest.raises(BadSignature, match="expired"):
        vendor_page.opened(derive, token, end)
    other = message_id[:-1] + ("0" if message_id[-1] != "0" else "1")
    later = int(token.split(".")[1]) + 1
    signature = token.split(".")[2]
    for forged in (
        f"{other}.{token.split('.')[1]}.{signature}",
        f"{message_id}.{later}.{signature}",
        token[:-1],
        message_id,
        "",
        "..",
        f"{message_id}.x.{signature}",
        f"{message_id}.{'9' * 40}.{signature}",
        token + "é",
    ):
        with pytest.raises(BadSignature):
            vendor_page.opened(derive, forged, world.clock.now())
    own = world.hub.box.derive("attachment urls").hex()
    with pytest.raises(BadSignature):
        vendor_page.opened(lambda _: bytes.fromhex(own), token, world.clock.now())


def test_an_answer_from_the_page_is_what_a_mails_answer_is(paged: Asking, mails: Mails, world: World) -> None:
    def after(by_page: bool) -> tuple[list[str], dict[str, Any]]:
        conversation_id, _ = mails.arrive()
        sent = paged.ask(conversation_id)
        world.store.write(lambda tx: assignment.resolve(tx, conversation_id, ACTOR))
        world.store.write(lambda tx: assignment.reopen(tx, conversation_id, ACTOR))
        world.store.write(lambda tx: assignment.snooze(tx, conversation_id, world.clock.now() + 90 * MINUTE, ACTOR))
        if by_page:
            answer(world, question(paged, conversation_id), f"{SECRET}: yes")
        else:
            mails.arrive(f"{SECRET}: yes", sender=WORKSHOP, In_Reply_To=ours(sent))
        world.run()
        found = world.conversation(conversation_id)
        last = paged.said(conversation_id)[-1]
        told = {
            "state": (found.status, found.assignee_id, found.unread, found.vendor_due_at, found.vendor_id),
            "last": found.last_message_id == last.id,
            "said": (last.text, last.author_kind, last.author_name, last.sender, last.state, last.channel),
        }
        return world.kinds(conversation_id), told

    by_mail, by_page = after(False), after(True)
    assert by_page == by_mail
    assert by_page[1]["state"][3:] == (0, ""), "the clock has ended"


def test_the_same_form_sent_twice_is_stored_once_and_files_come_along(
    paged: Asking, mails: Mails, world: World
) -> None:
    conversation_id, _ = mails.arrive()
    paged.ask(conversation_id)
    message_id = question(paged, conversation_id)
    kept = attachments.store(
        world.hub,
        owner=vendor_page.owner(message_id),
        name="plan.txt",
        content=b"four screws",
        limit=100,
        media_types=["text/plain"],
    )
    first = answer(world, message_id, "", attachment_ids=(kept.attachment_id,))
    assert answer(world, message_id, "", attachment_ids=(kept.attachment_id,)) == first
    assert len(paged.said(conversation_id)) == 2
    with world.store.read() as connection:
        page = vendor_page.page(connection, message_id)
    assert [(each.text, each.files[0].name) for each in page.answers] == [("", "plan.txt")]
    other, _ = mails.arrive()
    paged.ask(other)
    with pytest.raises(Refused):  # of another page's
        answer(world, question(paged, other), "", attachment_ids=(kept.attachment_id,))
    for text, fields in (("  ", {}), ("x" * (vendor_page.LONGEST + 1), {}), ("x", {"attachment_ids": ("a",) * 6})):
        with pytest.raises(Refused):
            answer(world, message_id, text, "two", **fields)


def test_done_taken_back_and_closed_take_no_answer(paged: Asking, mails: Mails, world: World) -> None:
    done, _ = mails.arrive()
    paged.ask(done)
    asked = question(paged, done)
    answer(world, asked, "", done=True)
    assert paged.said(done)[-1].text == phrase("vendor_done", "en")
    assert [each.vendor and each.vendor[3] for each in paged.said(done)] == ["done", "done"]
    assert state(world, asked) is State.DONE
    recalled, _ = mails.arrive()
    paged.ask(recalled)
    assert world.conversation(recalled).vendor_due_at > 0
    for _ in range(2):
        world.store.write(lambda tx: vendors.recall(tx, recalled, paged.firm, ANA))
    assert world.kinds(recalled).count("VendorRecalled") == 1
    assert world.conversation(recalled).vendor_due_at == 0
    assert state(world, question(paged, recalled)) is State.RECALLED
    closed, _ = mails.arrive()
    paged.ask(closed)
    world.store.write(lambda tx: assignment.resolve(tx, closed, ACTOR))
    assert state(world, question(paged, closed)) is State.CLOSED
    for each in (done, recalled, closed):
        with pytest.raises(Conflict):
            answer(world, question(paged, each), nonce="another")
        assert len(paged.said(each)) <= 2
    with pytest.raises(NotFound):
        world.store.write(lambda tx: vendors.recall(tx, closed, "nobody", ANA))
    with pytest.raises(NotFound):
        answer(world, paged.said(done)[-1].id)  # an answer is no question
    with world.store.read() as connection:
        assert replay.check(connection).differences == []


def test_a_question_that_was_taken_back_holds_up_no_promise(paged: Asking, mails: Mails, world: World) -> None:
    conversation_id, _ = mails.arrive()
    paged.ask(conversation_id)
    world.store.write(lambda tx: vendors.recall(tx, conversation_id, paged.firm, ANA))
    world.clock.pass_time(500 * MINUTE)
    world.store.write(lambda tx: vendors.announce(tx, conversation_id))
    assert "VendorOverdue" not in world.kinds(conversation_id)


def test_the_answer_goes_where_the_conversation_was_merged_to(paged: Asking, mails: Mails, world: World) -> None:
    one, _ = mails.arrive()
    paged.ask(one)
    message_id = question(paged, one)
    other, _ = mails.arrive()
    world.store.write(lambda tx: merging.merge(tx, one, other, ACTOR))
    answer(world, message_id)
    assert paged.said(other)[-1].text == "Yes."
    assert state(world, message_id) is State.OPEN


# --- the customer is told ---------------------------------------------------------------------------------------------


def told(mails: Mails, number: int, language: str = "en") -> int:
    words = phrase("vendor_told", language, number=number)
    return sum(words in each.text and each.address.value == "carla@example.org" for each in mails.sent)


def test_the_customer_is_told_once_that_a_firm_was_asked(mails: Mails, world: World) -> None:
    firm = add(world, tell_customer=True)
    asking = Asking(world, mails, firm)
    conversation_id, _ = mails.arrive("¿Me pueden ayudar con mi lámpara, por favor? Parpadea mucho.")
    language, number = world.conversation(conversation_id).language, world.conversation(conversation_id).ticket_number
    asking.ask(conversation_id)
    asking.ask(conversation_id, "And?")
    assert told(mails, number, language) == 1
    assert all(SECRET not in each.text for each in mails.sent if each.address.value != WORKSHOP)


def test_the_customer_is_not_told_where_the_firm_is_set_so_or_they_want_no_messages(mails: Mails, world: World) -> None:
    quiet = add(world, "Quiet", NOBODY, tell_customer=False)
    asking = Asking(world, mails, add(world, tell_customer=True))
    conversation_id, _ = mails.arrive()
    number = world.conversation(conversation_id).ticket_number
    asking.ask(conversation_id, vendor_id=quiet)
    assert told(mails, number) == 0
    with world.store.read() as connection:
        where = consent_queries.place(connection, world.conversation(conversation_id).identity_id)
    world.store.write(
        lambda tx: consent_queries.forbid(tx, where, how="agent", inbox_id="", conversation_id=conversation_id)
    )
    asking.ask(conversation_id)
    assert told(mails, number) == 0
