"""Flow: all of it. New data in, models, gates, release, reports. The weekly one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import SecretStr

from data.errors import WagahaiError
from data.outdated import drop_superseded
from data.release import Release
from data.store import Store
from flows.ingest_readings import ingest_readings
from flows.publish_reports import publish_reports
from flows.steps import publish_step, sample_step
from flows.train_models import train_models, with_runner
from pipeline.config import keep_profile, load_settings
from pipeline.publish import Published
from pipeline.represent import check_settings
from pipeline.rollback import PAGES

LOCK = "refresh"
ARTIFACT = "refresh-release"
REFUSED = "Refused"  # name of the state of a run whose release did not pass its gates


@flow(name="refresh_release", persist_result=False)
def refresh_release(
    store: str | None = None,
    path: str | SecretStr | None = None,
    format: str | None = None,
    mapping: str | None = None,
    namespace: str | None = None,
    reader: SecretStr | None = None,
    sample: bool = False,
    profile: str = "default",
    seed: int = 0,
    runner: str = "threads",
    wait_seconds: float = 0.0,
) -> State[Any]:
    """Ingest what is new, retrain what depends on it, publish it if it is good, and report.

    The run fails if the release is refused, so that somebody looks; the current release then goes on
    serving and the refused one is kept.

    Parameters
    ----------
    path, format, mapping, namespace, reader
        A source to ingest first, as for ``wagahai ingest``; None ingests the inbox.
    sample
        Ingest the bundled sample instead.
    profile
        Name of a profile or path of a TOML file.
    seed
        Root seed of everything random.
    runner
        Where the fits run: ``threads`` or ``dask``.
    wait_seconds
        How long to wait for another refresh of the same store (negative: for ever) before refusing.
    """
    opened = Store.from_environment(store)
    root = str(opened.root)
    with _failure_told(), opened.lock(LOCK, wait_seconds=wait_seconds):
        task_runner = with_runner(runner)
        check_settings(load_settings(profile), seed)  # before the history is touched
        opened.sweep()
        profile = keep_profile(opened, profile)
        if sample:
            folder = Path(sample_step(root, profile, seed))
            readings, columns = str(folder / "readings.csv"), str(folder / "mapping.toml")
            ingested = ingest_readings(root, readings, "events", columns, namespace or "sample", return_state=True)
        else:
            ingested = ingest_readings(root, path, format, mapping, namespace, reader, return_state=True)
        if (path or sample) and not ingested.is_completed():
            ingested.result()  # raises; of an inbox the good sources are in, and are worth a release
        trained = train_models.with_options(task_runner=task_runner)(root, profile, seed)
        outcome = publish_step(root, trained, profile, seed)
        pages = _pages(opened, outcome)
        drop_superseded(opened)
    _leave_artifact(opened, outcome, pages)
    told = [*(f"report: {page}" for page in pages), *_predicted(opened, outcome), *_told(ingested)]
    message = "\n".join([outcome.verdict, *told])
    good = outcome.passed and ingested.is_completed()
    return Completed(message=message) if good else Failed(name=REFUSED, message=message)


@contextmanager
def _failure_told() -> Iterator[None]:
    """Leave the artifact also of a run that ends in an error for the user."""
    try:
        yield
    except WagahaiError as error:
        first, *rest = str(error).splitlines()
        lines = [f"**failed: {first}**", "", *(f"    {line}" for line in rest)]
        create_markdown_artifact(markdown="\n".join(lines), key=ARTIFACT, description="Verdict of a refresh")
        raise


def _told(ingested: State[Any]) -> list[str]:
    """What was ingested, a line a source; or what of the inbox was not."""
    if not ingested.is_completed():
        return [f"not ingested: {ingested.message}"]
    return [told.splitlines()[0] for told in ingested.result()]


def _predicted(store: Store, outcome: Published) -> list[str]:
    """What is predicted, or left out and why, and how good the machine is, a line each; of a release made now."""
    if not outcome.made:
        return []
    release = Release.open(store, outcome.release_id)
    found, machine = release.predictor_quality, release.boltzmann
    told = {task: record["verdict"]["told"] for task, record in found["tasks"].items()}
    if machine:
        told["complete"] = machine["left_out"] if "left_out" in machine else machine["verdict"]["told"]
    return [f"{task.replace('_', ' ')}: {why}" for task, why in {**told, **found["left_out"]}.items()]


def _pages(store: Store, outcome: Published) -> list[str]:
    """Write the pages of a release once; those of an unchanged one are there."""
    pages = [store.report(outcome.release_id, page) for page in PAGES]
    if all(page.exists() for page in pages):
        return [str(page) for page in pages]
    return publish_reports(str(store.root), outcome.release_id)


def _leave_artifact(store: Store, outcome: Published, pages: list[str]) -> None:
    release = Release.open(store, outcome.release_id)
    gates = [
        f"| {gate['name']} | {'passed' if gate['passed'] else 'FAILED'} | {gate['detail']} |"
        for gate in release.manifest["gates"]
    ]
    lines = [
        f"**{outcome.verdict}**",
        "",
        "| gate | outcome | detail |",
        "|---|---|---|",
        *gates,
        "",
        *(f"- report: `{page}`" for page in pages),
    ]
    create_markdown_artifact(markdown="\n".join(lines), key=ARTIFACT, description="Verdict of a refresh")
