"""How Rasa's server runs a model's components: one after another.

Rasa 3.6.21 has dask order them anew at each run, three times a turn, works out anew which it needs, and writes all of
the model's description into a line of log that nobody asked for.
"""

from __future__ import annotations

from rasa.engine.exceptions import GraphRunError
from rasa.engine.runner.dask import DaskGraphRunner


def install():
    """From now on in this process."""
    DaskGraphRunner.run = run


def run(runner, inputs=None, targets=None):
    """`DaskGraphRunner.run`: what the targets give, by their names.

    Args:
        runner: with the components.
        inputs: by name; they stand in for components of that name.
        targets: names of components; the model's own where there are none.

    Raises:
        GraphRunError: a component failed with a RuntimeError.
    """
    wanted = tuple(targets or runner._graph_schema.target_names)
    nodes = _needed(runner, wanted)
    found = {name: (name, value) for name, value in (inputs or {}).items()}

    def result(name):
        if name not in found:
            # What nobody provides is given by its name: the component that needs it says so.
            node = nodes.get(name)
            found[name] = name if node is None else runner._instantiated_nodes[name](*map(result, node.needs.values()))
        return found[name]

    try:
        return dict(result(name) for name in wanted)
    except RuntimeError as error:
        raise GraphRunError("Error running runner.") from error


def _needed(runner, targets):
    """The components that these targets need, by name: a model's own stay the same."""
    known = vars(runner).setdefault("_needed_for", {})
    if targets not in known:
        known[targets] = runner._graph_schema.minimal_graph_schema(list(targets)).nodes
    return known[targets]
