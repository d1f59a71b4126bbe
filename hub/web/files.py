"""Files over HTTP: uploads, for agents and customers alike, and downloads through signed addresses."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from io import BytesIO
from typing import Any, TypeVar, cast

from apiflask.fields import UploadFile
from flask import Response, request, send_file
from werkzeug.exceptions import RequestEntityTooLarge

from hub.domain.errors import NotFound
from hub.domain.messages import Attachment
from hub.services import attachments
from hub.store.queries import attachments as attachment_queries
from hub.store.queries import inboxes
from hub.web.auth import PUBLIC, api_blueprint, needs
from hub.web.context import the_agent, the_hub
from hub.web.schemas import Shape
from hub.web.schemas_conversations import AttachmentOut

# What a browser may show by itself. Anything else is saved: a page or a script from a customer must never run here.
SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
# A multipart form is longer than its file by its boundaries and headers.
_FORM_OVERHEAD = 16 * 1024

# As APIFlask wants it.
_BYTES: dict[int | str, dict[str, str | dict[str, dict[str, Any]]]] = {
    200: {"description": "The bytes", "content": {"application/octet-stream": {}}}
}
View = TypeVar("View", bound=Callable[..., Any])

blueprint = api_blueprint("files", __name__, "Attachments")


class UploadIn(Shape):
    file: UploadFile


def reads_upload(limit_of: Callable[[], int]) -> Callable[[View], View]:
    """Around a view that takes `UploadIn`: stops reading the body at the limit, so that nobody fills the memory.

    `limit_of` gives the most bytes of the file for this request. Beyond it the view raises TooLarge, which names it.
    """

    def around(view: View) -> View:
        @wraps(view)
        def limited(*args: Any, **kwargs: Any) -> Any:
            limit = limit_of()
            request.max_content_length = limit + _FORM_OVERHEAD
            try:
                return view(*args, **kwargs)
            except RequestEntityTooLarge as error:
                raise attachments.too_large(limit) from error

        return cast(View, limited)

    return around


def rendered(attachment: Attachment, links: attachments.Links) -> AttachmentOut:
    """An attachment as the API shows it."""
    return AttachmentOut(
        id=attachment.attachment_id,
        name=attachment.name,
        media_type=attachment.media_type,
        size=attachment.size,
        url=links.url(attachment.attachment_id),
    )


def _agents_limits() -> tuple[int, list[str]]:
    """The most bytes and the types of an agent's file: of all inboxes together, for which one it will leave by is not
    known yet. Sending checks that channel's own."""
    hub = the_hub()
    with hub.store.read() as connection:
        channels = [hub.channel_of(inbox).capabilities for inbox in inboxes.every(connection)]
    media_types = {media_type for each in channels for media_type in each.media_types}
    return max((each.attachment_limit for each in channels), default=0), sorted(media_types)


@blueprint.post("/attachments")
@needs("work_conversations")
@reads_upload(lambda: _agents_limits()[0])
@blueprint.input(UploadIn, location="files", arg_name="form")
@blueprint.output(AttachmentOut)
def upload(form: UploadIn) -> AttachmentOut:
    """Upload a file for a reply or a note."""
    hub = the_hub()
    limit, media_types = _agents_limits()
    attachment = attachments.store(
        hub,
        owner=attachments.agent_owner(the_agent().id),
        name=form.file.filename or "",
        content=form.file.stream.read(limit + 1),
        limit=limit,
        media_types=media_types,
    )
    return rendered(attachment, attachments.links(hub))


@blueprint.get("/attachments/<attachment_id>")
@needs(PUBLIC)
@blueprint.doc(responses=_BYTES)
def download(attachment_id: str) -> Response:
    """Open a file. Whoever has its signed address may, until that expires."""
    hub = the_hub()
    attachments.links(hub).check(attachment_id, request.args.get("signature", ""))
    with hub.store.read() as connection:
        attachment = attachment_queries.get(connection, attachment_id)
    if attachment is None:
        raise NotFound("there is no such file")
    response = send_file(
        BytesIO(hub.files.get(attachments.key(attachment_id))),
        mimetype=attachment.media_type,
        as_attachment=attachment.media_type not in SHOWN,
        download_name=attachment.name,
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'; style-src 'unsafe-inline'"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Referrer-Policy"] = "no-referrer"
    # An address always gives the same bytes, for as long as it is good at all.
    response.headers["Cache-Control"] = "private, max-age=86400, immutable"
    return response
