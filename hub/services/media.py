"""Files that providers keep for us: announced with their message, fetched in a job, judged by what they hold."""

from __future__ import annotations

from hashlib import sha256

from hub.domain import events as e
from hub.domain.errors import ChannelError
from hub.domain.messages import Attachment, RemoteMedia
from hub.hub import Hub
from hub.ports import MediaSource
from hub.services import attachments
from hub.services.work import Work, nothing
from hub.store import tables as t
from hub.store.queries import media as queries
from hub.store.unit_of_work import Tx, UseCase

# Why a file will not come, where it is not the provider who says so.
TOO_LARGE, TYPE_REFUSED, EMPTY, NOT_FETCHED, GAVE_UP = "too_large", "type_refused", "empty", "not_fetched", "gave_up"


def announce(tx: Tx, inbox_id: str, conversation_id: str, message_id: str, files: tuple[RemoteMedia, ...]) -> None:
    """Writes down where the files of a stored message are; a job fetches each."""
    for position, each in enumerate(files):
        media_id = tx.new_id()
        tx.add(
            t.remote_media,
            {
                "id": media_id,
                "message_id": message_id,
                "inbox_id": inbox_id,
                "position": position,
                "url": each.url,
                "media_type": each.media_type,
                "name": each.name,
                "size": each.size,
                "state": queries.PENDING,
            },
        )
        tx.record(conversation_id, e.MediaAnnounced(message_id, media_id))


def fetch(hub: Hub, work: Work) -> UseCase[None]:
    """Job: makes one file ours, or says why not.

    Its bytes rest under the id that it was announced with, so that a run which a crash cut off leaves nothing behind.
    Raises ChannelError to be tried again later.
    """
    event = work.recorded.event
    if not isinstance(event, e.MediaAnnounced):
        raise TypeError(f"files are announced before they are fetched, not with {type(event).__name__}")
    with hub.store.read() as connection:
        announced = queries.get(connection, event.media_id)
    if announced is None or announced.state != queries.PENDING:
        return nothing
    channel = hub.channel_of(hub.inboxes.by_id(announced.inbox_id))
    if not isinstance(channel, MediaSource):
        return refused(event.message_id, event.media_id, NOT_FETCHED)
    if announced.media.size > channel.capabilities.attachment_limit:
        return refused(event.message_id, event.media_id, TOO_LARGE)
    try:
        file = channel.fetch_media(announced.media)
    except ChannelError as error:
        if error.permanent or work.last_attempt:
            return refused(event.message_id, event.media_id, error.code)
        raise
    if not file.content:
        return refused(event.message_id, event.media_id, EMPTY)
    if len(file.content) > channel.capabilities.attachment_limit:
        return refused(event.message_id, event.media_id, TOO_LARGE)
    media_type = attachments.sniff(file.content, channel.capabilities.media_types)
    if media_type is None:
        return refused(event.message_id, event.media_id, TYPE_REFUSED)
    name = attachments.clean_name(announced.media.name or file.name, media_type)
    attachment = Attachment(announced.id, name, media_type, len(file.content))
    hub.files.put(attachments.key(attachment.attachment_id), file.content)
    digest = sha256(file.content).hexdigest()

    def write(tx: Tx) -> None:
        conversation_id = _conversation_of(tx, event.message_id)
        now = queries.get(tx.connection, event.media_id)
        if now is None or now.state != queries.PENDING:
            return
        attachments.register(tx, attachment, owner="", digest=digest, message_id=event.message_id)
        tx.record(conversation_id, e.MediaFetched(event.message_id, event.media_id, attachment.attachment_id))
        queries.show(tx, event.message_id)

    return write


def refused(message_id: str, media_id: str, reason: str) -> UseCase[None]:
    """The file will not come. `reason` is one of this module's, or the provider's code."""

    def write(tx: Tx) -> None:
        conversation_id = _conversation_of(tx, message_id)
        found = queries.get(tx.connection, media_id)
        if found is not None and found.state == queries.PENDING:
            tx.record(conversation_id, e.MediaRefused(message_id, media_id, reason[:100]))

    return write


def _conversation_of(tx: Tx, message_id: str) -> str:
    """Where the message is now, locked: an agent may have moved it since it came."""
    conversation_id = queries.conversation_of(tx, message_id)
    tx.conversation(conversation_id)
    return conversation_id
