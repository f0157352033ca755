"""Flow: bring new files into the history. The nightly one."""

from __future__ import annotations

from pathlib import Path

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from pydantic import SecretStr

from data.errors import BadConfig
from data.sources.mapping import read_mapping
from data.store import Store
from flows.discretion import plain
from flows.steps import ingest_step


@flow(name="ingest_readings", persist_result=False)
def ingest_readings(
    store: str | None = None,
    path: str | SecretStr | None = None,
    format: str | None = None,
    mapping: str | None = None,
    namespace: str | None = None,
    reader: SecretStr | None = None,
) -> list[str]:
    """Ingest one source, or everything in the store's inbox; return a verdict and account per source.

    A source that was ingested before changes nothing. One that is refused does not keep the others
    out: they are ingested first, then the run fails with what was refused.

    Parameters
    ----------
    path
        File or folder; the entries of ``<store>/inbox`` if None. A secret if its name may be a reader's.
    format, mapping, namespace, reader
        As for ``wagahai ingest``.
    """
    opened = Store.from_environment(store)
    paths = [Path(given)] if (given := plain(path)) else _inbox(opened)
    states = [
        ingest_step(str(opened.root), str(source), format, mapping, namespace, reader, return_state=True)
        for source in paths
    ]
    refused = [(p, s) for p, s in zip(paths, states, strict=True) if not s.is_completed()]
    verdicts = [state.result() for state in states if state.is_completed()]
    headline = f"{len(verdicts)} of {len(paths)} sources ingested" + (f", {len(refused)} refused" if refused else "")
    lines = [f"- {verdict.splitlines()[0]}" for verdict in verdicts] + [f"- {state.message}" for _, state in refused]
    create_markdown_artifact(
        markdown="\n".join([f"**{headline}**", "", *lines]), key="ingest-readings", description="What was ingested"
    )
    for _, state in refused:
        state.result()  # raises what refused it
    return verdicts


def _inbox(store: Store) -> list[Path]:
    """Entries of the inbox in the order of their names; mappings, and the books files they name, are no sources."""
    if not store.inbox.is_dir():
        return []
    entries = [entry for entry in sorted(store.inbox.iterdir()) if not entry.name.startswith(".")]
    described = {_books_file(entry) for entry in entries if entry.suffix == ".toml"}
    return [entry for entry in entries if entry.suffix != ".toml" and entry.name not in described]


def _books_file(mapping: Path) -> str | None:
    """Name of the books file of a mapping; a mapping that cannot be read is refused with its own source."""
    try:
        return read_mapping(mapping).books_file
    except BadConfig:
        return None
