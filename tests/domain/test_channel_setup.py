"""What an administrator fills in: declarations as they are read, and settings within settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.domain.channel_setup import Field, Setup, flat, put_into, read
from hub.domain.errors import Refused

DECLARED = sorted(Path("channels").rglob("*.toml"))
NAME = {"en": "Name", "es": "Nombre"}


@pytest.mark.parametrize("path", DECLARED, ids=[each.stem for each in DECLARED])
def test_our_own_are_whole(path: Path) -> None:
    setup = read(path.read_text("utf-8"))
    names = [field.name for field in setup.fields]
    assert setup.title
    assert setup.steps
    assert len(set(names)) == len(names)
    assert all(field.secret for field in setup.fields if field.made), "only secrets are made"
    assert (Path("docs") / f"{setup.page}.md").is_file()


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ("[[field]", "setup"),
        ("[[field]]\nlabel = 'Name'", "field"),
        ("[[field]]\nname = 'a'", "a.label"),
        ("[[field]]\nname = 'a'\nlabel = { en = 'Name' }", "a.label"),
        ("[[field]]\nname = 'a'\nlabel = 'Name'\nform = 'colour'", "a.form"),
        ("[[field]]\nname = 'a'\nlabel = 'Name'\ncolour = 'red'", "a"),
        ("[[field]]\nname = 'a'\nlabel = 'Name'\nwhere = { b = 'x' }", "a.where"),
        ("[[step]]\nen = 'Click'", "step"),
    ],
)
def test_a_declaration_that_breaks_a_rule_is_refused_by_its_key(document: str, field: str) -> None:
    with pytest.raises(Refused) as raised:
        read(document)
    assert raised.value.field == field


def test_what_matters_only_with_another_setting_is_wanted_with_it_alone() -> None:
    mode = Field("mode", NAME, "choice", default="events", choices=("events", "socket"))
    setup = Setup("Any", (mode, Field("token", NAME, required=True, secret=True, where=("mode", "socket"))))
    setup.checked({}, {})
    setup.checked({"mode": "socket"}, {"token": "x"})
    with pytest.raises(Refused, match="token: must be filled in"):
        setup.checked({"mode": "socket"}, {})
    with pytest.raises(Refused, match="mode: must be one of"):
        setup.checked({"mode": "post"}, {})


@pytest.mark.parametrize(
    ("form", "value"),
    [("text", 5), ("number", "5"), ("number", True), ("boolean", 1), ("list", ["a", 1]), ("list", "a"), ("json", "a")],
)
def test_values_have_the_form_that_is_declared(form: str, value: object) -> None:
    with pytest.raises(Refused, match="a: must be"):
        Setup("Any", (Field("a", NAME, form),)).checked({"a": value}, {})  # type: ignore[arg-type]  # parametrized


def test_settings_within_settings_keep_what_is_not_declared() -> None:
    fields = (Field("imap.host", NAME), Field("imap.port", NAME, "number"), Field("name", NAME))
    before = {"imap": {"host": "old.example", "port": 993, "odd": 1}, "name": "Mail", "rules": {"bot": False}}
    assert flat(before, fields) == {"imap.host": "old.example", "imap.port": 993, "name": "Mail"}
    after = put_into(before, {"imap.host": "new.example"}, fields)
    assert after == {"imap": {"host": "new.example", "odd": 1}, "rules": {"bot": False}}
    assert put_into({"imap": {"host": "a"}}, {}, fields) == {}
