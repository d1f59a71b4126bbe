"""Pictures of articles: kept with the other files, shown to customers once a public text shows them."""

from __future__ import annotations

from hashlib import sha256

from ulid import ULID

from hub.domain.errors import NotFound, Refused
from hub.domain.events import Actor
from hub.hub import Hub
from hub.services import attachments
from hub.store import tables as t
from hub.store.queries import articles
from hub.store.queries.articles import Image

LIMIT = 5 * 1024 * 1024  # bytes
MEDIA_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")


def store(hub: Hub, *, name: str, content: bytes, by: Actor) -> Image:
    """Keeps a picture.

    Raises:
        Refused: it is empty, or no picture of a type that browsers show; the content decides.
        TooLarge: it has more than `LIMIT` bytes.
    """
    if not content:
        raise Refused(attachments.FIELD, "must not be empty")
    if len(content) > LIMIT:
        raise attachments.too_large(LIMIT)
    media_type = attachments.sniff(content, MEDIA_TYPES)
    if media_type is None:
        raise Refused(attachments.FIELD, f"must be one of {', '.join(MEDIA_TYPES)}")
    image = Image(str(ULID()), attachments.clean_name(name, media_type), media_type, len(content))
    # Bytes first: a row never promises a file that is not there.
    hub.files.put(_key(image.id), content)
    values = {"id": image.id, "name": image.name, "media_type": media_type, "size": image.size}
    digest = sha256(content).hexdigest()
    hub.store.write(
        lambda tx: tx.add(t.article_image, values | {"sha256": digest, "uploaded_by": by.id, "created_at": tx.now})
    )
    return image


def read(hub: Hub, image_id: str, *, of_the_firm: bool) -> tuple[Image, bytes]:
    """A picture and its bytes. `of_the_firm`: whoever asks may read what is internal or not published.

    Raises NotFound, also where it is not for the public.
    """
    with hub.store.read() as connection:
        image = articles.image(connection, image_id)
        if image is None or not (of_the_firm or articles.is_public_image(connection, image_id)):
            raise NotFound("there is no such picture")
    return image, hub.files.get(_key(image_id))


def _key(image_id: str) -> str:
    return f"articles/{image_id}"
