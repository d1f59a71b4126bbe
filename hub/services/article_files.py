"""Articles from and to this machine's disk, for the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hub.domain.errors import Refused
from hub.services import article_formats
from hub.services.article_formats import Foreign, Read


def load(form: str, path: Path) -> list[Read]:
    """The articles of a file, or of a folder of Markdown. Raises Refused."""
    if form == "markdown" and path.is_dir():
        files = {str(each.relative_to(path)): each for each in sorted(path.rglob("*.md"))}
        texts = {name: each.read_text(encoding="utf-8", errors="replace") for name, each in files.items()}
        return article_formats.checked(article_formats.read_markdown(texts))
    if not path.is_file():
        raise Refused("path", "must be a file, or for Markdown a folder")
    return article_formats.read(form, path.read_bytes())


def save(form: str, path: Path, articles: Sequence[Foreign]) -> int:
    """Writes a file, or for Markdown a folder. Returns how many articles. Raises Refused where something is there."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise Refused("path", "must be new, or an empty folder")
    if form == "markdown":
        for name, text in article_formats.markdown_files(articles).items():
            file = path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    else:
        path.write_bytes(article_formats.write(form, articles))
    return len(articles)
