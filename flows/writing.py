"""Commands that make something: ingest, refresh, report, serve. Each runs a Prefect flow."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any

from data.spreadsheet import visible

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

DONE, REFUSED = 0, 3
# Prefect's own defaults suit a server that is always there; a temporary one on two cores needs longer.
_PREFECT_DEFAULTS = {
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}


def ingest(chosen: argparse.Namespace) -> int:
    """Ingest a source, or the inbox, and print what happened to each."""
    _quiet_prefect()
    from flows.discretion import secret
    from flows.ingest_readings import ingest_readings

    path, reader = secret(chosen.path), secret(chosen.reader)
    verdicts = ingest_readings(chosen.store, path, chosen.format, chosen.mapping, chosen.namespace, reader)
    sys.stdout.write("".join(f"{verdict}\n" for verdict in verdicts) or "the inbox is empty\n")
    return 0


def formats(_: argparse.Namespace) -> int:
    """Print the source formats, a line each."""
    from data.sources.catalogue import SOURCES

    width = max(len(source.name) for source in SOURCES)
    sys.stdout.write("".join(f"{source.name:<{width}}  {source.describes}\n" for source in SOURCES))
    return DONE


def refresh(chosen: argparse.Namespace) -> int:
    """Run the whole refresh and print its verdict."""
    _quiet_prefect()
    from flows.discretion import secret
    from flows.refresh_release import refresh_release

    state = refresh_release(
        store=chosen.store,
        path=secret(chosen.path),
        format=chosen.format,
        mapping=chosen.mapping,
        namespace=chosen.namespace,
        reader=secret(chosen.reader),
        sample=chosen.sample,
        profile=chosen.profile,
        seed=chosen.seed,
        runner=chosen.runner,
        wait_seconds=chosen.wait,
        return_state=True,
    )
    return _tell(state)


def report(chosen: argparse.Namespace) -> int:
    """Write the reports of a release and print their paths."""
    _quiet_prefect()
    from flows.publish_reports import publish_reports

    sys.stdout.write("".join(f"{page}\n" for page in publish_reports(chosen.store, chosen.release)))
    return 0


def serve(chosen: argparse.Namespace) -> int:
    """Run the deployments of prefect.yaml until interrupted."""
    _quiet_prefect()
    from flows.serve import serve as serve_deployments

    return serve_deployments(chosen.store)


def _quiet_prefect() -> None:
    """Set what must be in the environment before Prefect is imported; what the user has set stands."""
    for name, value in _PREFECT_DEFAULTS.items():
        os.environ.setdefault(name, value)


def _tell(state: State[Any]) -> int:
    """Print a refresh's verdict; raise what made it fail, unless that was a gate."""
    from flows.refresh_release import REFUSED as REFUSED_STATE

    if state.is_completed():
        sys.stdout.write(f"{state.message}\n")
        return DONE
    if state.name == REFUSED_STATE:
        sys.stderr.write(f"wagahai: {visible(str(state.message))}\n")
        return REFUSED
    state.result()  # raises
    return DONE
