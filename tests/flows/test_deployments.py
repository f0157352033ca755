"""prefect.yaml says what can be served: its entrypoints load and take the parameters it gives them."""

from __future__ import annotations

import inspect
import zoneinfo
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

FILE = Path(__file__).resolve().parents[2] / "prefect.yaml"
DEPLOYMENTS: list[dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["deployments"]


def _named(deployment: dict[str, Any]) -> str:
    return str(deployment["name"])


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=_named)
def test_entrypoints_are_flows_that_take_their_parameters(deployment: dict[str, Any]) -> None:
    module, name = deployment["entrypoint"].rsplit(".", 1)
    flow = getattr(import_module(module), name)
    assert flow.name == name
    assert deployment["parameters"].keys() <= inspect.signature(flow.fn).parameters.keys()


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=_named)
def test_one_run_at_a_time_and_tagged(deployment: dict[str, Any]) -> None:
    assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": "ENQUEUE"}
    assert "wagahai" in deployment["tags"]


def test_schedules_have_a_time_zone() -> None:
    from prefect.client.schemas.schedules import CronSchedule

    schedules = {d["name"]: d["schedules"] for d in DEPLOYMENTS}
    assert {name for name, entries in schedules.items() if entries} == {"nightly", "weekly"}
    for entries in schedules.values():
        for entry in entries:
            CronSchedule(cron=entry["cron"], timezone=entry["timezone"])
            zoneinfo.ZoneInfo(entry["timezone"])
