"""Checks in a real hub: what is stored, and what the provider is answered."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from hub.domain.forms import FORM
from hub.domain.messages import (
    Delivery,
    WebhookRequest,
    further,
)
from hub.store import tables as t
from hub.testing import odd_input
from hub.testing.conformance.subject import (
    COPIES,
    WEBHOOK_URL,
    Subject,
    demand,
)
from hub.testing.samples import Sample, with_body, with_text


def check_edge(subject: Subject) -> None:
    with subject.hub() as hub:
        parts = hub.parts(subject.parts)
        asides = 0
        for sample in subject.samples:
            for request in subject.signed(sample.request, parts):
                status, body, content_type = (422, b"", "") if subject.listens and sample.refused else hub.take(request)
                if sample.refused or sample.name in subject.kit.wants_state:
                    demand(400 <= status < 500, f"{sample.name}: {status}, where it cannot be taken")
                    continue
                demand(status == sample.reply.status, f"{sample.name}: the hub answers {status}, {body[:200]!r}")
                if _is_webhook(request):
                    got = (body, content_type)
                    wanted = (sample.reply.body, sample.reply.content_type)
                    demand(got == wanted, f"{sample.name}: the provider reads {got}, documented is {wanted}")
                asides += len(sample.set_aside)
            demand(hub.call(sample.request)[0] == 401, f"{sample.name}: the hub takes it without a signature")
        # Signed in another way it is the same message.
        expected = {each.external_id for sample in _taken(subject) for each in sample.messages}
        stored = [row.external_id for row in hub.incoming()]
        demand(
            sorted(stored) == sorted(expected),
            f"stored are the messages {sorted(stored)}, sent were {sorted(expected)}",
        )
        rows = [(row.field, row.rule) for row in hub.rows(t.set_aside)]
        demand(len(rows) == asides, f"{asides} elements had to be set aside, and {len(rows)} are: {rows}")
        demand(all(name and rule for name, rule in rows), "what is set aside has no field or no rule")


def _taken(subject: Subject) -> list[Sample]:
    return [each for each in subject.samples if not each.refused and each.name not in subject.kit.wants_state]


def check_copies(subject: Subject) -> None:
    with subject.hub() as hub:
        plain = subject.plain()
        request = subject.first_signed(plain.request, hub.parts(subject.parts))
        statuses = hub.take_at_once([request] * COPIES)
        # A visitor may be told to slow down, a provider never: it would come again with all of them.
        may_be = {plain.reply.status} if _is_webhook(request) else {plain.reply.status, 429}
        demand(set(statuses) <= may_be, f"{COPIES} copies at once are answered {sorted(set(statuses))}")
        demand(len(hub.incoming()) == 1, f"{COPIES} copies at once became {len(hub.incoming())} messages")


def check_odd_requests(subject: Subject) -> None:
    with subject.hub() as hub:
        parts = hub.parts(subject.parts)
        plain = subject.plain().request
        bodies: dict[str, WebhookRequest] = {
            "an empty body": with_body(plain, b""),
            "half a body": with_body(plain, plain.body[: len(plain.body) // 2]),
            "no UTF-8": with_body(plain, b"\xff\xfe\x00"),
            "JSON without end": with_body(plain, odd_input.DEEP),
            "an endless number": with_body(plain, b"9" * 5_000),
            "no object": with_body(plain, b"[]"),
            "a form of bad bytes": with_body(replace(plain, headers={"content-type": FORM}), b"Body=%ff%00&Body=&=&&"),
            "a form of a thousand fields": with_body(replace(plain, headers={"content-type": FORM}), b"a=1&" * 1_100),
            "no content type": with_body(replace(plain, headers={}), plain.body),
            "another content type": with_body(replace(plain, headers={"content-type": "image/png"}), plain.body),
            "another method": replace(plain, method="GET"),
            "a body of 3 MB": with_body(plain, b"x" * 3_000_000),
        }
        long = with_text(subject.plain(), "ñ" * 10_000)
        if long:
            bodies["a text of 10,000 characters"] = long
        for what, request in bodies.items():
            for each in subject.signed(request, parts) if not subject.listens else ():
                status, body, content_type = hub.call(each)
                demand(status < 500, f"{what}: the hub answers {status}")
                if 400 <= status < 500:
                    problem = json.loads(body) if content_type.startswith("application/json") else {}
                    demand(problem.get("error_id"), f"{what}: {status} without a reason")
                    named = status not in (413, 422) or (problem.get("field") and problem.get("rule"))
                    demand(named, f"{what}: {status} that names no field and rule: {problem}")
                demand(status == 413 or len(each.body) < 3_000_000, f"{what}: it is read, and answered {status}")
            status, body, _ = hub.call(request)
            # Too much is refused before anybody is asked who they are.
            wanted = (401, 404, 405) if request.method == "GET" else (401, 413)
            # The hub's own API may look at a body's shape before it asks who speaks.
            own = not _is_webhook(request) and 400 <= status < 500
            demand(status in wanted or own, f"{what}, unsigned: {status}, {body[:200]!r}")


def _is_webhook(request: WebhookRequest) -> bool:
    """Whether a provider calls it; the other channel that is called is the hub's own chat, over its API."""
    return urlsplit(request.url).path == urlsplit(WEBHOOK_URL).path


def check_reports(subject: Subject) -> None:
    reporting = [sample for sample in subject.samples if sample.deliveries and not sample.refused]
    demand(reporting, "the payloads hold no delivery report")
    with subject.hub() as hub:
        parts = hub.parts(subject.parts)
        hub.take(subject.first_signed(subject.plain().request, parts))
        by_key: dict[tuple[str, str], list[Sample]] = {}
        for sample in reporting:
            for update in sample.deliveries:
                listed = by_key.setdefault((update.provider_id, update.message_id), [])
                if sample not in listed:
                    listed.append(sample)
        for (provider_id, message_id), samples in by_key.items():
            # A message of ours with a given id can be made only once: then the order is the worst one.
            orders: Sequence[Sequence[Sample]] = [tuple(reversed(samples))]
            if not message_id:
                orders = list(itertools.islice(itertools.permutations(samples), 24))
            for order in orders:
                made = hub.sent(provider_id, message_id)
                wanted = Delivery.SENDING
                for sample in (*order, *order):
                    status = hub.take(subject.first_signed(sample.request, parts))[0]
                    demand(status == sample.reply.status, f"{sample.name}: the hub answers {status}")
                    for update in sample.deliveries:
                        if (update.provider_id, update.message_id) == (provider_id, message_id):
                            wanted = further(wanted, update.state)
                    names = [each.name for each in order]
                    demand(hub.state(made) == wanted, f"after {names} the message is {hub.state(made)}, not {wanted}")
                hub.forget(made)
