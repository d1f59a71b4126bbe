"""How a model's components are run, beside Rasa's own way, in Rasa's own environment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.rasa

PROGRAM = """
import json
from rasa.engine.exceptions import GraphRunError
from rasa.engine.graph import GraphSchema, SchemaNode
from rasa.engine.runner.dask import DaskGraphRunner

import turn_graph

called = []


def node(name):
    def component(*given):
        called.append(name)
        if name == "broken":
            raise RuntimeError(name)
        return name, [name, sorted(map(str, given))]

    return component


needs = {"first": {"text": "__message__"}, "second": {"it": "first"}, "third": {"a": "first", "b": "second"}}
needs |= {"alone": {}, "broken": {}}
runner = DaskGraphRunner.__new__(DaskGraphRunner)
nodes = {name: SchemaNode(its, uses=object, fn="", constructor_name="", config={}) for name, its in needs.items()}
nodes["third"].is_target = True
runner._graph_schema = GraphSchema(nodes)
runner._instantiated_nodes = {name: node(name) for name in needs}
runner._execution_context = None


def outcome(run, *given):
    called.clear()
    try:
        return [run(runner, *given), sorted(called)]
    except GraphRunError:
        return "failed"


message = {"__message__": 1}
tried = [(message, ["third"]), (message, None), (message, ["second", "alone"]), ({"first": 3}, ["second"])]
tried += [({}, ["broken"]), ({"__message__": 4}, ["third"])]
theirs = [outcome(DaskGraphRunner.run, *each) for each in tried]
turn_graph.install()
print(json.dumps({"theirs": theirs, "ours": [outcome(DaskGraphRunner.run, *each) for each in tried]}))
"""


def test_components_run_once_each_and_give_what_they_give_by_rasas_own_way(
    run_in_rasa: Callable[..., dict[str, Any]],
) -> None:
    found = run_in_rasa(PROGRAM)
    assert found["ours"] == found["theirs"]
    assert found["ours"][4] == "failed"
    assert found["ours"][0][1] == ["first", "second", "third"]
