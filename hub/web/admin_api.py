"""How the hub is, and work that was given up."""

from __future__ import annotations

from hub.domain.errors import NotFound
from hub.services import health as health_service
from hub.store.queries import outbox
from hub.web import render
from hub.web import schemas as s
from hub.web import schemas_operations as so
from hub.web.auth import api_blueprint, needs
from hub.web.context import the_hub

blueprint = api_blueprint("admin", __name__, "Running the hub")


@blueprint.get("/health")
@needs("read_health")
@blueprint.output(so.HealthOut)
def health() -> so.HealthOut:
    """The state of every part"""
    parts = health_service.parts(the_hub())
    return so.HealthOut.model_validate(
        {
            "state": health_service.state(parts),
            "parts": [{"name": each.name, "state": each.state, "detail": dict(each.detail)} for each in parts],
        }
    )


@blueprint.get("/outbox/dead")
@needs("run_jobs")
@blueprint.output(so.OutboxRows)
def dead_rows() -> so.OutboxRows:
    """Work that used up its attempts, newest first, at most 200 rows"""
    with the_hub().store.read() as connection:
        return so.OutboxRows(items=[render.dead_row(each) for each in outbox.dead(connection)])


@blueprint.post("/outbox/<int:outbox_id>/replay")
@needs("run_jobs")
@blueprint.output(s.Done)
def replay(outbox_id: int) -> s.Done:
    """Give such work its attempts back"""
    if not the_hub().store.write(lambda tx: outbox.replay(tx, [outbox_id])):
        raise NotFound(f"there is no dead row {outbox_id}")
    return s.Done()
