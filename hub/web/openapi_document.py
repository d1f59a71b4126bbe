"""The OpenAPI document: what APIFlask gathers, with every shape once and under its own name.

APIFlask names a shape after its parent (`Messages.MessageOut`), once for each. Here they come straight from pydantic,
those that the API takes as they are checked, those that it gives as they are written.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from flask import Flask
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from hub.web import schemas
from hub.web.auth import PREFIX, PUBLIC, SIGNED_IN

_REF = "#/components/schemas/"
_PROBLEM = {
    "description": "Whatever went wrong, in one shape",
    "content": {"application/json": {"schema": {"$ref": _REF + "Problem"}}},
}
_PARAMETER = re.compile(r"<(?:[^<>:]+:)?([^<>]+)>")
_METHODS = frozenset({"get", "post", "put", "patch", "delete"})


def tidy(app: Flask, document: dict[str, Any]) -> dict[str, Any]:
    """Replaces the shapes, sorts everything that has no order of its own, and says what each call needs."""
    _unnest_references(document["paths"])
    _unnest_references(document["components"])
    # What is no shape of ours (a multipart form) stays as it was gathered.
    gathered = {name: each for name, each in document["components"]["schemas"].items() if "." not in name}
    document["components"] = {
        "schemas": dict(sorted((gathered | _shapes()).items())),
        "securitySchemes": {
            "session": {"type": "apiKey", "in": "cookie", "name": "centralita"},
            "token": {"type": "http", "scheme": "bearer"},
        },
    }
    actions = _actions(app)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method in _METHODS:
                operation["responses"]["default"] = _PROBLEM
                _describe_access(path, operation, actions.get((path, method), ""))
    document["paths"] = dict(sorted(document["paths"].items()))
    return document


def _unnest_references(value: Any) -> None:
    """Turns references to `Parent.Shape` into references to `Shape`, in place."""
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str):
            value["$ref"] = _REF + reference.removeprefix(_REF).rpartition(".")[2]
        for each in value.values():
            _unnest_references(each)
    elif isinstance(value, list):
        for each in value:
            _unnest_references(each)


def _shapes() -> dict[str, Any]:
    shapes: list[tuple[type[BaseModel], Literal["validation", "serialization"]]] = [
        (shape, "validation" if name.endswith("In") else "serialization")
        for name, shape in sorted(_all_shapes(schemas.Shape).items())
        if not name.endswith("Query")
    ]
    _, found = models_json_schema(shapes, ref_template=_REF + "{model}")
    shapes_by_name: dict[str, Any] = found["$defs"]
    return shapes_by_name


def _all_shapes(base: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """The shapes of `hub.web.schemas` and of the modules beside it that begin with that name, by their names."""
    found: dict[str, type[BaseModel]] = {}
    for shape in base.__subclasses__():
        if shape.__module__.startswith(schemas.__name__):
            found[shape.__name__] = shape
        found |= _all_shapes(shape)
    return found


def _actions(app: Flask) -> dict[tuple[str, str], str]:
    found = {}
    for rule in app.url_map.iter_rules():
        path = _PARAMETER.sub(r"{\1}", rule.rule)
        for method in rule.methods or ():
            found[path, method.lower()] = getattr(app.view_functions[rule.endpoint], "action", "")
    return found


def _describe_access(path: str, operation: dict[str, Any], action: str) -> None:
    if path.startswith(PREFIX) and action != PUBLIC:
        operation["security"] = [{"session": []}]
        if action != SIGNED_IN:
            operation["x-action"] = action
    elif not path.startswith(PREFIX):
        operation["security"] = [{"token": []}]
