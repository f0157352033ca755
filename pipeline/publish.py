"""From fitted spaces and their evaluation to a release: assemble, judge, and switch only if it is good."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from data.artifact import write_json
from data.progress import Progress, Quiet
from data.release import Release, kept_releases
from data.store import Store
from pipeline.assemble import Ingredients, assemble, manifest
from pipeline.config import GateConfig, Settings
from pipeline.evaluate import Evaluation
from pipeline.gates import Judged, beats_popularity, judge, verdict


@dataclass(frozen=True)
class Published:
    """The outcome of publishing.

    Attributes
    ----------
    release_id
        The release, made now or before.
    passed
        Whether it passed its gates.
    made
        Whether it was made now; if not, nothing was done.
    verdict
        One line that says what happened.
    """

    release_id: str
    passed: bool
    made: bool
    verdict: str


def publish(store: Store, ingredients: Ingredients, progress: Progress | None = None) -> Published:
    """Assemble a release, keep it, and switch to it if it passes its gates.

    A space that does not beat popularity is left out of it; the default one must. The same ingredients make no
    second release. A release that exists and was rolled back from, or refused, is not switched to again: a person, or
    new data, decides that. One that passed and never served, because the process was killed in between, is judged
    again and switched to now.
    """
    for release in kept_releases(store):
        if release.manifest["digest"] == ingredients.digest:
            return _already(store, release, ingredients.settings.gates)
    settings = ingredients.settings
    quality = _quality(ingredients)
    judged = Judged(quality, ingredients.default_space, settings.evaluation.level)
    gates = judge(judged, _judged(_current(store)), settings.gates, _unlike(store, ingredients))
    passed = all(gate.passed for gate in gates)
    now = datetime.now(UTC)
    release_id = f"{now:%Y%m%dT%H%M%SZ}-{ingredients.digest[:8]}"
    told = verdict(gates)

    def make(folder: Path) -> None:
        spaces = _published_spaces(ingredients, quality)
        assemble(folder, ingredients, spaces, progress or Quiet())
        write_json(folder / "quality.json", {"rows": quality})
        created = now.isoformat(timespec="seconds")
        facts = {"id": release_id, "created_at": created, "passed": passed, "verdict": told}
        write_json(folder / "manifest.json", {**facts, **manifest(ingredients, spaces, gates)})

    store.make_whole(store.release(release_id), make)
    if passed:
        store.switch(release_id, "published")
    return Published(release_id, passed, True, f"{release_id} {told}")


def _published_spaces(ingredients: Ingredients, quality: list[dict[str, Any]]) -> list[str]:
    """Return the default space and every other that beats popularity."""
    default, *others = ingredients.spaces
    metric = ingredients.settings.gates.metric
    return [default, *(kind for kind in others if beats_popularity(quality, kind, metric))]


def _judged(release: Release | None) -> Judged | None:
    """The quality of a release by its default space; None if there is none to compare with."""
    if release is None:
        return None
    return Judged(release.quality["rows"], release.spaces[0], release.manifest["settings"]["evaluation"]["level"])


def _already(store: Store, release: Release, config: GateConfig) -> Published:
    recorded = release.manifest
    if recorded["passed"] and not store.has_served(release.id):
        judged = _judged(release)
        assert judged is not None
        gates = judge(judged, _judged(_current(store)), config)
        if all(gate.passed for gate in gates):
            store.switch(release.id, "published")
        return Published(release.id, all(gate.passed for gate in gates), False, f"{release.id} {verdict(gates)}")
    if release.id == store.current:
        state = "it serves"
    elif recorded["passed"]:
        state = f"it was rolled back from or replaced ({store.current} serves)"
    else:
        state = f"it was {recorded['verdict']}"
    return Published(release.id, bool(recorded["passed"]), False, f"unchanged: {release.id} is of these data; {state}")


def _unlike(store: Store, ingredients: Ingredients) -> str:
    """Say in what the release that serves was judged differently: then its figure is of other readers or a model."""
    current = _current(store)
    if current is None:
        return ""
    settings, before = asdict(ingredients.settings), current.manifest["settings"]
    defaults = asdict(Settings())  # of what there was no setting for then
    other = [name for name in ("corpus", "split") if settings[name] != {**defaults[name], **before[name]}]
    other += ["seed"] if ingredients.seed != current.manifest["seed"] else []
    other += ["space"] if ingredients.default_space != current.spaces[0] else []
    return f" (judged with another {' and '.join(other)})" if other else ""


def _current(store: Store) -> Release | None:
    """The release that serves; None if none does, or it is gone, damaged or of another layout."""
    return next((release for release in kept_releases(store) if release.id == store.current), None)


def _quality(ingredients: Ingredients) -> list[dict[str, Any]]:
    config = ingredients.settings.evaluation
    evaluations = [Evaluation.load(folder) for folder in ingredients.evaluations]
    return [row for evaluation in evaluations for row in evaluation.table(config, ingredients.seed)]
