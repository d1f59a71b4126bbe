"""The hub's messages, sent with Twilio's own client, and the reports on them."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from twilio.base.exceptions import TwilioRestException

from channels.simulators.twilio import rfc2822
from tests.channels.simulators.conftest import ACCOUNT, CARMEN, OLIVER, SERVICE, SPAIN, UK, World


def refused(world: World, token: str = ACCOUNT.token, **values: Any) -> TwilioRestException:
    wanted = {"to": CARMEN, "from_": SPAIN, "body": "hola"} | values
    with pytest.raises(TwilioRestException) as error:
        world.client(token=token).messages.create(**wanted)
    return error.value


def test_a_message_is_made_sent_and_delivered_with_a_report_on_each(world: World) -> None:
    made = world.client().messages.create(to=CARMEN, from_=SPAIN, body="¡Hola! 😀", status_callback=world.callback)
    assert (made.status, made.direction, made.num_segments, made.num_media) == ("queued", "outbound-api", "1", "0")
    assert (made.to, made.from_, made.body, made.error_code) == (CARMEN, SPAIN, "¡Hola! 😀", None)
    assert made.date_created.tzinfo is UTC
    heard = world.hub.wait_for(3)
    assert world.hub.reports() == ["queued", "sent", "delivered"]
    assert all(call.is_genuine() for call in heard)
    form = heard[2].form
    assert form["MessageSid"] == form["SmsSid"] == made.sid
    assert form["SmsStatus"] == "delivered"
    assert len(form["RawDlrDoneDate"]) == 10
    assert "ErrorCode" not in form
    fetched = world.client().messages(made.sid).fetch()
    assert fetched.status == "delivered"
    assert fetched.date_sent >= made.date_created


def test_times_pass_between_the_states(still_world: World) -> None:
    answer = still_world.twilio.create({"To": (CARMEN,), "From": (SPAIN,), "Body": ("hola",)})
    sid = answer.body["sid"]
    states = []
    for _ in range(12):
        still_world.play(0.1)
        message = still_world.ledger.message(sid)
        assert message is not None
        states.append(message.status)
    assert sorted(set(states), key=states.index) == ["queued", "sent", "delivered"]
    assert states.count("sent") == 6


def test_the_same_call_twice_makes_two_messages(world: World) -> None:
    # There is no idempotency key for messages: whoever repeats a call in doubt sends twice.
    first, second = (world.client().messages.create(to=CARMEN, from_=SPAIN, body="x") for _ in range(2))
    assert first.sid != second.sid


def test_a_service_chooses_the_sender_by_country(world: World) -> None:
    for number in (UK, SPAIN):
        world.number(number, messaging_service_sid=SERVICE)
    made = world.client().messages.create(to=CARMEN, messaging_service_sid=SERVICE, body="hola")
    assert (made.status, made.num_segments, made.messaging_service_sid) == ("accepted", "0", SERVICE)
    kept = world.ledger.message(made.sid)
    assert kept is not None
    assert kept.sender == SPAIN


@pytest.mark.parametrize(
    ("values", "code", "status"),
    [
        ({"to": "+15005550001"}, 21211, 400),
        ({"to": "34600"}, 21211, 400),
        ({"to": "+999123456"}, 21211, 400),  # no such country
        ({"to": "+15005550002"}, 21612, 400),
        ({"to": "+15005550003"}, 21408, 400),
        ({"to": "+15005550004"}, 21610, 400),
        ({"to": "+15005550009"}, 21614, 400),
        ({"from_": "+15005550001"}, 21212, 400),
        ({"from_": "+15005550007"}, 21606, 400),
        ({"from_": "+15005550008"}, 21611, 429),
        ({"from_": "+34600000000"}, 21606, 400),
        ({"to": SPAIN}, 21266, 400),
        ({"body": "x" * 1601}, 21617, 400),
        ({"body": ""}, 21602, 400),
        ({"to": ""}, 21604, 400),
        ({"from_": ""}, 21603, 400),
        ({"status_callback": "hub"}, 21609, 400),
        ({"media_url": ["ftp://hub.example/x.png"]}, 21620, 400),
        ({"media_url": ["https://hub.example/x.png"] * 11}, 21623, 400),
        ({"from_": "", "messaging_service_sid": "MG" + "0" * 32}, 21701, 404),
    ],
)
def test_what_cannot_be_sent_is_refused_as_twilio_does(
    world: World, values: dict[str, Any], code: int, status: int
) -> None:
    error = refused(world, **values)
    assert (error.code, error.status) == (code, status)
    assert world.ledger.listed() == []
    assert world.ledger.entries(kind="call")[0]["status"] == status


def test_errors_have_twilios_shape(world: World) -> None:
    response = world.app.test_client().post(
        f"/2010-04-01/Accounts/{ACCOUNT.sid}/Messages.json", data={"To": "1"}, auth=(ACCOUNT.sid, ACCOUNT.token)
    )
    assert response.get_json() == {
        "code": 21603,
        "message": "A 'From' phone number is required.",
        "more_info": "https://www.twilio.com/docs/errors/21603",
        "status": 400,
    }


def test_a_wrong_token_gets_nothing(world: World) -> None:
    error = refused(world, token="wrong")
    assert (error.code, error.status) == (20003, 401)
    http = world.app.test_client()
    path = f"/2010-04-01/Accounts/{ACCOUNT.sid}/Messages.json"
    assert http.get(path).status_code == http.get(path, auth=("AC" + "0" * 32, ACCOUNT.token)).status_code == 401
    assert "WWW-Authenticate" in http.get(path).headers
    assert http.get(path.replace("0a", "0b"), auth=(ACCOUNT.sid, ACCOUNT.token)).status_code == 404


def test_a_blocked_customer_gets_nothing_until_start(world: World) -> None:
    world.text("STOP")
    assert (refused(world).code, refused(world).status) == (21610, 400)
    assert world.client().messages.create(to=CARMEN, from_=UK, body="another number").sid
    world.text("START")
    assert world.client().messages.create(to=CARMEN, from_=SPAIN, body="again").sid


@pytest.mark.parametrize(("to", "code"), [("+15005550007", 30007), ("+15005550003", 0), ("+15005550005", 30005)])
def test_numbers_whose_carrier_fails(world: World, to: str, code: int) -> None:
    if not code:
        assert refused(world, to=to).code == 21408
        return
    made = world.client().messages.create(to=to, from_=SPAIN, body="x", status_callback=world.callback)
    form = world.hub.wait_for(3)[2].form
    assert (form["MessageStatus"], form["ErrorCode"]) == ("undelivered", str(code))
    fetched = world.client().messages(made.sid).fetch()
    assert (fetched.status, fetched.error_code) == ("undelivered", code)
    assert fetched.error_message


# --- lists ---


def test_a_list_is_paged_and_filtered(world: World) -> None:
    client = world.client()
    for number in range(7):
        client.messages.create(to=CARMEN if number % 2 else OLIVER, from_=SPAIN, body=str(number))
    world.text("from outside")
    listed = client.messages.list(page_size=3)
    assert [message.body for message in listed] == ["from outside", *"6543210"]
    assert [message.body for message in client.messages.list(to=CARMEN)] == ["5", "3", "1"]
    assert [message.body for message in client.messages.list(from_=CARMEN)] == ["from outside"]
    today = datetime.now(UTC)
    assert len(client.messages.list(date_sent=today.date())) == 8
    assert client.messages.list(date_sent_after=today + timedelta(days=1)) == []
    assert client.messages.list(date_sent_before=today - timedelta(days=2)) == []
    page = client.messages.page(page_size=3)
    assert len(list(page)) == 3
    assert page.next_page_url is not None
    assert "PageToken=" in page.next_page_url


@pytest.mark.parametrize("query", ["PageToken=PASMzz", "PageToken=x", "PageSize=x", "PageSize=-1", "Page=x"])
def test_a_list_survives_odd_pages(world: World, query: str) -> None:
    path = f"/2010-04-01/Accounts/{ACCOUNT.sid}/Messages.json?{query}"
    assert world.app.test_client().get(path, auth=(ACCOUNT.sid, ACCOUNT.token)).get_json()["messages"] == []


def test_a_list_refuses_what_is_no_date(world: World) -> None:
    path = f"/2010-04-01/Accounts/{ACCOUNT.sid}/Messages.json?DateSent=yesterday"
    assert world.app.test_client().get(path, auth=(ACCOUNT.sid, ACCOUNT.token)).status_code == 400


def test_a_message_that_is_not_there(world: World) -> None:
    with pytest.raises(TwilioRestException) as error:
        world.client().messages("SM" + "0" * 32).fetch()
    assert (error.value.code, error.value.status) == (20404, 404)


def test_times_are_rfc_2822() -> None:
    assert rfc2822(datetime(2019, 5, 24, 17, 44, 50, 999_999, tzinfo=UTC).timestamp()) == (
        "Fri, 24 May 2019 17:44:50 +0000"
    )


# --- pictures from the hub ---


def test_a_picture_of_the_hub_is_fetched_and_shown_on_the_phone(world: World) -> None:
    world.hub.files["/box.png"] = (200, b"\x89PNG dots", "image/png")
    made = world.client().messages.create(
        to=CARMEN, from_=SPAIN, body="", media_url=[f"{world.hub.url}/box.png"], status_callback=world.callback
    )
    assert made.sid.startswith("MM")
    assert made.num_media == "1"
    world.hub.wait_for(3)
    assert world.hub.reports() == ["queued", "sent", "delivered"]
    (media,) = world.client().messages(made.sid).media.list()
    assert (media.content_type, media.parent_sid) == ("image/png", made.sid)
    (text,) = world.app.test_client().get(f"/control/texts?number={CARMEN.replace('+', '%2B')}").get_json()["texts"]
    assert world.app.test_client().get(text["media"][0]["url"]).data == b"\x89PNG dots"


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ((404, b"", "image/png"), 11200),
        ((200, b"<p>", "text/html"), 12300),
        ((200, b"0" * (5 << 20) + b"0", "image/png"), 11200),
    ],
    ids=["missing", "page", "too large"],
)
def test_a_picture_that_cannot_be_had_fails_the_message(world: World, file: tuple[int, bytes, str], code: int) -> None:
    world.hub.files["/box.png"] = file
    world.client().messages.create(
        to=CARMEN, from_=SPAIN, body="x", media_url=[f"{world.hub.url}/box.png"], status_callback=world.callback
    )
    form = world.hub.wait_for(2)[1].form
    assert (form["MessageStatus"], form["ErrorCode"]) == ("failed", str(code))


# --- faults ---


@pytest.mark.parametrize(
    ("status", "code"), [(429, 20429), (500, 20500), (503, 20503), (401, 20003), (400, 21612), (503, 20001)]
)
def test_refusals_on_demand(world: World, status: int, code: int) -> None:
    fault: dict[str, Any] = {"where": "send", "do": "refuse", "status": status, "times": 2, "retry_after": 3}
    if code == 20001:
        fault["code"] = code
    world.fault(**fault)
    assert [(refused(world).status, refused(world).code)] == [(status, code)]
    assert world.client().messages.create(to=CARMEN, from_=SPAIN, body="now").sid
    world.fault(**fault)
    response = requests.post(
        f"{world.url}/2010-04-01/Accounts/{ACCOUNT.sid}/Messages.json", auth=(ACCOUNT.sid, ACCOUNT.token), timeout=5
    )
    assert response.headers["Retry-After"] == "3"


def test_a_fault_for_one_number_leaves_others_alone(world: World) -> None:
    world.fault(where="send", do="refuse", status=500, number=OLIVER, times=None)
    assert world.client().messages.create(to=CARMEN, from_=SPAIN, body="x").sid
    assert refused(world, to=OLIVER).status == refused(world, to=OLIVER).status == 500
    world.app.test_client().delete("/control/faults")
    assert world.client().messages.create(to=OLIVER, from_=SPAIN, body="x").sid


def test_a_message_can_be_accepted_while_the_caller_hears_nothing(world: World) -> None:
    world.fault(where="send", do="accept_then_time_out", seconds=60)
    with pytest.raises(requests.exceptions.ReadTimeout):
        world.client(timeout=0.3).messages.create(to=CARMEN, from_=SPAIN, body="x", status_callback=world.callback)
    world.hub.wait_for(3)  # and the reports come: that is how the hub learns of it
    assert [message.body for message in world.ledger.listed()] == ["x"]


def test_answers_that_are_kept_back_are_let_go(world: World) -> None:
    world.fault(where="send", do="delay", seconds=60)
    made: list[str] = []
    sender = threading.Thread(
        target=lambda: made.append(str(world.client().messages.create(to=CARMEN, from_=SPAIN, body="x").sid))
    )
    sender.start()
    while not world.ledger.entries(kind="call"):
        assert sender.is_alive()
    assert made == []
    while sender.is_alive():  # it is noted a moment before it is held
        world.app.test_client().delete("/control/faults")
        sender.join(0.01)
    assert len(made) == 1


@pytest.mark.parametrize(("do", "kept"), [("cut", 0), ("accept_then_cut", 1)])
def test_connections_are_cut(world: World, do: str, kept: int) -> None:
    world.fault(where="send", do=do)
    with pytest.raises(requests.exceptions.ConnectionError):
        world.client().messages.create(to=CARMEN, from_=SPAIN, body="x")
    assert len(world.ledger.listed()) == kept


@pytest.mark.parametrize(
    ("fault", "reports"),
    [
        ({"do": "reverse"}, ["delivered", "sent", "queued"]),
        ({"do": "lose", "statuses": ["delivered"]}, ["queued", "sent"]),
        ({"do": "lose"}, []),
        ({"do": "duplicate", "copies": 2}, ["queued", "queued", "sent", "sent", "delivered", "delivered"]),
        ({"do": "late", "seconds": 30}, ["queued", "sent", "delivered"]),
    ],
)
def test_reports_go_wrong_on_demand(still_world: World, fault: dict[str, Any], reports: list[str]) -> None:
    still_world.fault(where="status", **fault)
    fields = {"To": (CARMEN,), "From": (SPAIN,), "Body": ("x",), "StatusCallback": (still_world.callback,)}
    sid = still_world.twilio.create(fields).body["sid"]
    still_world.play(5)
    message = still_world.ledger.message(sid)
    assert message is not None
    assert message.status == "delivered"
    assert still_world.hub.reports() == ([] if fault["do"] == "late" else reports)
    still_world.play(60)
    assert still_world.hub.reports() == reports
    assert all(call.is_genuine() for call in still_world.hub.heard)


def test_a_report_can_be_there_before_the_answer(still_world: World) -> None:
    still_world.fault(where="status", do="early")
    fields = {"To": (CARMEN,), "From": (SPAIN,), "Body": ("x",), "StatusCallback": (still_world.callback,)}
    still_world.twilio.create(fields)
    assert still_world.hub.reports() == ["queued"]
    still_world.play(5)
    assert still_world.hub.reports() == ["queued", "sent", "delivered"]


def test_a_forged_report_and_a_later_failure(still_world: World) -> None:
    still_world.fault(where="status", do="tamper")
    still_world.fault(where="send", do="fail_later", code=30007)
    fields = {"To": (CARMEN,), "From": (SPAIN,), "Body": ("x",), "StatusCallback": (still_world.callback,)}
    still_world.twilio.create(fields)
    still_world.play(5)
    assert still_world.hub.reports() == ["queued", "sent", "undelivered"]
    assert still_world.hub.heard[2].form["ErrorCode"] == "30007"
    assert not any(call.is_genuine() for call in still_world.hub.heard)


def test_a_report_is_repeated_as_its_address_says(still_world: World) -> None:
    still_world.hub.answer = lambda _: (503, "", "")
    callback = f"{still_world.hub.url}/webhooks/sms#rc=2&rp=5xx"
    form = {"To": (CARMEN,), "From": (SPAIN,), "Body": ("x",), "StatusCallback": (callback,)}
    sid = still_world.twilio.create(form).body["sid"]
    still_world.play(1.2)
    # The message comes to its end meanwhile, its reports wait for each other.
    message = still_world.ledger.message(sid)
    assert message is not None
    assert message.status == "delivered"
    assert still_world.hub.reports() == ["queued"] * 2
    still_world.play(60)
    assert still_world.hub.reports() == ["queued"] * 3 + ["sent"] * 3 + ["delivered"] * 3
    assert still_world.ledger.summary()["reports"] == {"503": 9}
