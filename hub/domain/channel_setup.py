"""What an administrator gives to connect an inbox: a channel's own declaration, and what they filled in.

A channel's declaration is a TOML file beside it, with its name (`channels/social/telegram.toml` of
`channels.social.telegram`); docs/adding-a-channel.md lists its keys.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from hub.domain.errors import Refused

Language = Literal["en", "es"]
Words = Mapping[Language, str]
Form = Literal["text", "long", "number", "boolean", "choice", "list", "json"]
_KEYS = frozenset(
    {"name", "form", "label", "hint", "secret", "made", "required", "default", "choices", "where", "advanced"}
)
# What a provider's page may hold; a private key in PEM is longer than any setting.
LONGEST = 10_000


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that is filled in. `name` is the setting's or the secret's; a dot goes into an object (`imap.host`).

    `secret`: kept encrypted and never shown again. `made`: the hub makes one where none is given, to be pasted at the
    provider. `where` names another setting and the value with which this one matters. `default` is what holds where
    nothing is given, for people to read. `advanced`: most never need it.
    """

    name: str
    label: Words
    form: Form = "text"
    hint: Words | None = None
    secret: bool = False
    made: bool = False
    required: bool = False
    default: str = ""
    choices: tuple[str, ...] = ()
    where: tuple[str, str] = ("", "")
    advanced: bool = False


@dataclass(frozen=True, slots=True)
class Setup:
    """How a kind of inbox is connected.

    `title` is the provider's name of it. `webhook`: the provider calls an address of the hub's. `steps` are what to
    click and paste at the provider, in order; `page` is the page of the documentation.
    """

    title: str
    fields: tuple[Field, ...] = ()
    steps: tuple[Words, ...] = ()
    webhook: bool = False
    page: str = ""

    def checked(self, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
        """Raises Refused for what is not declared, of another form, or missing."""
        known = {field.name: field for field in self.fields}
        for secret, values in ((False, settings), (True, secrets)):
            for name, value in values.items():
                field = known.get(name)
                if field is None or field.secret is not secret:
                    raise Refused(name, f"must be a {'secret' if secret else 'setting'} of this channel")
                _check(field, value)
        given = {**settings, **secrets}
        for field in self.fields:
            other, wanted = field.where
            matters = not other or settings.get(other, known[other].default) == wanted
            if field.required and matters and given.get(field.name) in (None, "", []):
                raise Refused(field.name, "must be filled in")


def _check(field: Field, value: object) -> None:
    rules: Mapping[Form, tuple[type | tuple[type, ...], str]] = {
        "number": ((int, float), "must be a number"),
        "boolean": (bool, "must be true or false"),
        "list": (list, "must be a list of texts"),
        "json": ((dict, list), "must be an object or a list"),
    }
    kinds, rule = rules.get(field.form, (str, "must be text"))
    right = isinstance(value, kinds) and (field.form == "boolean" or not isinstance(value, bool))
    if isinstance(value, list) and field.form == "list":
        right = all(isinstance(each, str) for each in value)
    if not right or len(str(value)) > LONGEST:
        raise Refused(field.name, rule if not right else f"must have at most {LONGEST} characters")
    if field.choices and value not in field.choices:
        raise Refused(field.name, f"must be one of {', '.join(field.choices)}")


def flat(settings: Mapping[str, Any], fields: tuple[Field, ...]) -> dict[str, Any]:
    """The declared settings of an inbox by their names; those that are not set are left out."""
    found: dict[str, Any] = {}
    for field in fields:
        value: Any = settings
        for name in field.name.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        if value is not None and not field.secret:
            found[field.name] = value
    return found


def put_into(settings: Mapping[str, Any], given: Mapping[str, Any], fields: tuple[Field, ...]) -> dict[str, Any]:
    """An inbox's settings with the declared ones as given; what is not given goes, what is not declared stays."""
    found: dict[str, Any] = dict(settings)
    for field in fields:
        if field.secret:
            continue
        outer, _, inner = field.name.partition(".")
        if not inner:
            found.pop(field.name, None)
            if field.name in given:
                found[field.name] = given[field.name]
            continue
        section = dict(found.get(outer) or {})
        section.pop(inner, None)
        if field.name in given:
            section[inner] = given[field.name]
        found.pop(outer, None)
        if section:
            found[outer] = section
    return found


def read(document: str) -> Setup:
    """A declaration. Raises Refused, naming the key, where it breaks a rule."""
    try:
        told = tomllib.loads(document)
    except tomllib.TOMLDecodeError as error:
        raise Refused("setup", f"must be TOML: {error}") from error
    fields = tuple(_field(each) for each in told.get("field", ()))
    names = {field.name for field in fields}
    for field in fields:
        if field.where[0] and field.where[0] not in names:
            raise Refused(f"{field.name}.where", "must name another setting")
    return Setup(
        title=str(told.get("title", "")),
        fields=fields,
        steps=tuple(_words(each, "step") for each in told.get("step", ())),
        webhook=told.get("webhook", False) is True,
        page=str(told.get("page", "")),
    )


def _field(told: Mapping[str, Any]) -> Field:
    name = str(told.get("name", ""))
    if told.keys() - _KEYS or not name:
        raise Refused(name or "field", f"must have a name and no keys but {', '.join(sorted(_KEYS))}")
    form = told.get("form", "choice" if "choices" in told else "text")
    if form not in get_args(Form):
        raise Refused(f"{name}.form", f"must be one of {', '.join(get_args(Form))}")
    where = told.get("where", {})
    return Field(
        name=name,
        label=_words(told.get("label"), f"{name}.label"),
        form=cast(Form, form),
        hint=_words(told["hint"], f"{name}.hint") if "hint" in told else None,
        secret=told.get("secret", False) is True,
        made=told.get("made", False) is True,
        required=told.get("required", False) is True,
        default=str(told.get("default", "")),
        choices=tuple(map(str, told.get("choices", ()))),
        where=next(((str(key), str(value)) for key, value in where.items()), ("", "")),
        advanced=told.get("advanced", False) is True,
    )


def _words(told: object, name: str) -> Words:
    """A text for people; one that is the same in each language may be written once."""
    if isinstance(told, str):
        return {"en": told, "es": told}
    if not isinstance(told, dict) or told.keys() != {"en", "es"}:
        raise Refused(name, "must be a text, or one in en and one in es")
    return {"en": str(told["en"]), "es": str(told["es"])}
