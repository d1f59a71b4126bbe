"""Connecting inboxes, and how they are."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from hub.domain import channel_setup
from hub.domain.channel_setup import Field, Setup, Words
from hub.domain.errors import ChannelError, HubError, Refused
from hub.domain.inbox import Inbox
from hub.hub import Hub
from hub.services import inbox_health, inboxes
from hub.services.inboxes import DISABLED, Filled
from hub.store.queries import inbox_health as health_queries
from hub.store.queries import inboxes as queries
from hub.store.queries import listening, stops
from hub.store.queries.inbox_health import InboxHealth
from hub.web import render
from hub.web import schemas as s
from hub.web import schemas_inboxes as si
from hub.web.auth import api_blueprint, needs
from hub.web.context import the_hub

blueprint = api_blueprint("inboxes", __name__, "Inboxes")


@blueprint.get("/inbox-kinds")
@needs("edit_inboxes")
@blueprint.output(si.InboxKinds)
def kinds() -> si.InboxKinds:
    """What can be connected, and what is filled in for it"""
    hub = the_hub()
    items = [_kind(name, setup) for name, setup in hub.catalogue.kinds().items()]
    return si.InboxKinds(items=items, public=hub.settings.public_url.startswith("https://"))


@blueprint.get("/inboxes/settings")
@needs("edit_inboxes")
@blueprint.output(si.InboxSettingsList)
def everything() -> si.InboxSettingsList:
    """All inboxes with their settings and how they are

    Secrets are never told.
    """
    return si.InboxSettingsList(items=_shown(the_hub()))


@blueprint.post("/inboxes")
@needs("edit_inboxes")
@blueprint.output(si.InboxSaved)
@blueprint.input(si.NewInboxIn)
def add(json_data: si.NewInboxIn) -> si.InboxSaved:
    """Connect an inbox

    422 names the setting that breaks a rule of its channel.
    """
    hub = the_hub()
    inbox_id, made = inboxes.add(hub, json_data.channel, _filled(json_data))
    return si.InboxSaved(inbox=_one(hub, inbox_id), made=made)


@blueprint.put("/inboxes/<identifier:inbox_id>/settings")
@needs("edit_inboxes")
@blueprint.output(si.InboxSaved)
@blueprint.input(si.InboxIn)
def change(inbox_id: str, json_data: si.InboxIn) -> si.InboxSaved:
    """Change an inbox's settings and secrets"""
    hub = the_hub()
    made = inboxes.change(hub, inbox_id, _filled(json_data))
    return si.InboxSaved(inbox=_one(hub, inbox_id), made=made)


@blueprint.post("/inboxes/<identifier:inbox_id>/test")
@needs("edit_inboxes")
@blueprint.output(si.InboxSettingsOut)
def test(inbox_id: str) -> si.InboxSettingsOut:
    """Ask the provider how the account is

    Nothing is sent to anybody. A provider that is told by a call where the hub is (Telegram) is told so first. What it
    answers, or why it refused, is in the inbox's health.
    """
    hub = the_hub()
    with hub.store.read() as connection:
        inbox = queries.get(connection, inbox_id)
    with suppress(ChannelError, Refused):  # kept, and shown with the rest
        inbox_health.check(hub, inbox, register=True)
    return _one(hub, inbox_id)


@blueprint.put("/inboxes/<identifier:inbox_id>/switch")
@needs("edit_inboxes")
@blueprint.output(s.Done)
@blueprint.input(si.InboxSwitch)
def switch(inbox_id: str, json_data: si.InboxSwitch) -> s.Done:
    """Switch an inbox off, or on again

    Off: its provider is told to come again later, and what is to leave waits.
    """
    inboxes.switch(the_hub(), inbox_id, on=json_data.on)
    return s.Done()


def _filled(given: si.InboxIn) -> Filled:
    return Filled(
        given.name, given.team_id, given.bot, given.receipts, given.settings, given.secrets, tuple(given.made)
    )


# --- shown ---


def _kind(name: str, setup: Setup) -> si.InboxKindOut:
    return si.InboxKindOut(
        channel=name,
        title=setup.title or name,
        webhook=setup.webhook,
        page=setup.page,
        fields=[_field(each) for each in setup.fields],
        steps=[_words(each) for each in setup.steps],
    )


def _field(field: Field) -> si.SetupFieldOut:
    return si.SetupFieldOut(
        name=field.name,
        form=field.form,
        label=_words(field.label),
        hint=_words(field.hint) if field.hint else None,
        secret=field.secret,
        made=field.made,
        required=field.required,
        default=field.default,
        choices=list(field.choices),
        where=[each for each in field.where if each],
        advanced=field.advanced,
    )


def _words(words: Words) -> si.WordsOut:
    return si.WordsOut(en=words["en"], es=words["es"])


def _one(hub: Hub, inbox_id: str) -> si.InboxSettingsOut:
    return _shown(hub, inbox_id)[0]


def _shown(hub: Hub, only: str = "") -> list[si.InboxSettingsOut]:
    setups = hub.catalogue.kinds()
    with hub.store.read() as connection:
        found = (queries.get(connection, only),) if only else queries.every(connection)
        known = health_queries.every(connection)
        stopped = {each.inbox_id: (each, stops.waiting(connection, each.inbox_id)) for each in stops.every(connection)}
        listeners = {each.inbox_id: each for each in listening.states(connection, hub.clock.now())}
    shown = []
    for inbox in found:
        setup = setups.get(inbox.channel, Setup(inbox.channel))
        health = _health(
            hub,
            inbox,
            known.get(inbox.id) or InboxHealth(inbox.id),
            stopped.get(inbox.id),
            listeners.get(inbox.id),
        )
        shown.append(
            si.InboxSettingsOut(
                id=inbox.id,
                key=inbox.key,
                name=inbox.name,
                channel=inbox.channel,
                team_id=inbox.team_id,
                bot=inbox.bot,
                receipts=inbox.receipts,
                disabled=inbox.disabled,
                settings=channel_setup.flat(inbox.settings, setup.fields),
                secrets=inboxes.secret_names(hub, inbox),
                address=f"{hub.settings.public_url}/webhooks/{inbox.key}" if setup.webhook else "",
                health=health,
            )
        )
    return shown


def _health(
    hub: Hub,
    inbox: Inbox,
    known: InboxHealth,
    stopped: tuple[stops.Stop, int] | None,
    listener: listening.State | None,
) -> si.InboxHealthOut:
    wrong = ""
    try:
        hub.channel_of(inbox)
    except (HubError, KeyError) as error:
        wrong = str(error)
    stop, waiting = stopped or (None, 0)
    state = known.state
    out = si.InboxHealthOut(
        heard_at=_time(known.heard_at),
        sent_at=_time(known.sent_at),
        refused_at=_time(known.refused_at),
        refusal=known.refusal,
        checked_at=_time(known.checked_at),
        code=known.code,
        error=known.error,
        account=state.name,
        quality=state.quality,
        limit=state.limit,
        token_until=_time(state.token_until),
        problems=[si.ProblemOut(what=what, detail=detail) for what, detail in state.problems],
        wrong=wrong,
        stopped=" ".join(filter(None, (stop.code, stop.reason))) if stop and stop.code != DISABLED else "",
        stopped_at=_time(stop.since if stop else 0),
        waiting=waiting,
        tries=bool(stop and stop.try_at),
        listener=render.inbox_state(inbox, listener, None).listener,
        state="unknown",
    )
    return out.model_copy(update={"state": _word(hub, inbox, known, out)})


def _word(hub: Hub, inbox: Inbox, known: InboxHealth, told: si.InboxHealthOut) -> str:
    """All of it in a word. `unknown`: nobody has called and nobody was asked yet."""
    if inbox.disabled:
        return "off"
    listens = told.listener is None or told.listener.state != "down"
    if told.wrong or told.stopped or told.error or not listens:
        return "down"
    ends = known.state.token_until
    refused_last = known.refused_at > known.heard_at
    if told.problems or refused_last or (ends and ends - hub.clock.now() < inbox_health.ENDS_SOON):
        return "warning"
    return "ok" if known.checked_at or known.heard_at or told.listener else "unknown"


def _time(at: int) -> datetime | None:
    return render.time(at) if at else None
