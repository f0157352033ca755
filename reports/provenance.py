"""Where a release comes from: gates, ingests, models, settings, versions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from data.release import Release
from reports.document import UNKNOWN, Table

_DAYS = ("ingested_at", "first_read_on", "last_read_on")


def day(moment: str | None) -> str:
    """Return the day of an ISO moment."""
    return moment[:10] if moment else UNKNOWN


def provenance(release: Release, accounts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return tables and facts for the template, by name."""
    manifest = release.manifest
    history, corpus = manifest["history"], manifest["corpus"]
    gates = [(gate["name"], "passed" if gate["passed"] else "failed", gate["detail"]) for gate in manifest["gates"]]
    batches = [
        (
            *(account[name] for name in ("batch", "source", "files", "n_kept")),
            *(day(account[name]) for name in _DAYS),
        )
        for account in accounts
    ]
    models = [_model(kind, made) for kind, made in manifest["models"].items()]
    if manifest.get("ensemble"):
        models.append(_model("ensemble", manifest["ensemble"]))
    models += [_model(f"{task} ({made['kind']})", made) for task, made in manifest.get("predictors", {}).items()]
    settings = [(name, _settings(table)) for name, table in manifest["settings"].items() if name != "report"]
    return {
        "release": [
            ("release", release.id),
            ("made", manifest["created_at"]),
            ("digest of all ingredients", manifest["digest"]),
            ("root seed", str(manifest["seed"])),
            ("history version", f"{history['version']} ({history['digest']})"),
            ("corpus", f"{corpus['artifact']} ({_settings(corpus['config'])})"),
            ("spaces", ", ".join((f"{release.spaces[0]} (default)", *release.spaces[1:]))),
            ("evaluations", ", ".join(manifest["evaluations"])),
        ],
        "gates": Table(("gate", "outcome", "why"), gates),
        "batches": Table(("batch", "source", "files", "readings", "ingested", "first read", "last read"), batches),
        "models": Table(("model", "artifact", "seed", "stage", "settings"), models),
        "settings": Table(("settings", "values"), settings),
        "made_by": list(manifest["made_by"].items()),
    }


def _model(kind: str, made: Mapping[str, Any]) -> tuple[object, ...]:
    known = (str(made.get(name, UNKNOWN)) for name in ("artifact", "seed", "stage"))
    return (kind, *known, _settings(made["config"]))


def _settings(table: Mapping[str, Any]) -> str:
    """Settings as one line; the defaults, where none is named."""
    return ", ".join(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in table.items()) or "defaults"
