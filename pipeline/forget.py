"""Forgetting a reader: out of the history, out of all that was learned from it, and not let in again. And the proof.

The order is what makes it safe to be killed anywhere. The reader is suppressed first, so that no ingest brings them
back meanwhile; the releases that learned from them are listed before the corpora that show it are deleted; everything
after that is a deletion, and can be done again.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from data.artifact import ARRAYS, MANIFEST, read_json
from data.corpus import KIND as CORPUS
from data.erasure import FORGET, erase, n_readings_of
from data.errors import BadArtifact, BadHistory, WagahaiError
from data.history import History
from data.outdated import drop_superseded, mark_outdated, outdated
from data.progress import Progress
from data.pseudonym import key_fingerprint, pseudonym
from data.store import Store
from data.suppression import Suppressed
from data.traces import Sought, Trace, files_under, search
from pipeline.build_corpus import corpus_digest
from pipeline.inbox import entries_with
from pipeline.refusals import refuse_another_key

REFRESH_LOCK, HISTORY_LOCK = "refresh", "history"  # taken in this order: a refresh that ingests holds the first
SAMPLE = "sample"  # simulated readers: nobody


@dataclass(frozen=True)
class Proof:
    """What is left of a reader.

    Attributes
    ----------
    n_files
        Files that were opened and searched.
    traces
        Files of ours that hold the reader.
    learned
        Releases that learned from the reader, or from another who was forgotten, and are still there.
    inbox
        Entries of the inbox that name the reader: they are the user's to delete.
    is_forgotten
        Whether the reader is kept out.
    is_odd
        Whether the raw id was looked for in every text (`data.traces.Sought`).
    """

    n_files: int
    traces: list[Trace]
    learned: list[str]
    inbox: list[str]
    is_forgotten: bool
    is_odd: bool

    @property
    def is_clean(self) -> bool:
        """Whether nothing is left anywhere."""
        return not (self.traces or self.learned or self.inbox)


@dataclass(frozen=True)
class Forgotten:
    """What a forget did: counts of what was deleted, and the proof."""

    n_readings: int
    n_artifacts: int
    n_releases: int
    proof: Proof


@dataclass
class _Reader:
    """A reader of a store, under both locks."""

    store: Store
    history: History
    sought: Sought
    suppressed: Suppressed = field(repr=False)

    @property
    def is_forgotten(self) -> bool:
        """Whether the reader is kept out."""
        return any(one in self.suppressed for one in self.sought.pseudonyms)


def forget(
    store: Store, raw: str, progress: Progress, *, namespace: str | None = None, wait_seconds: float = 0.0
) -> Forgotten:
    """Remove a reader from the history and from what was learned, and keep them out.

    Corpora, models and evaluations that learned from the reader are deleted at once, and so are releases, but for
    the one that serves: it goes when the next refresh switches to another (`data.outdated.drop_superseded`). Earlier
    versions of the history cannot be opened afterwards. Done again, it goes on where it was killed.

    Parameters
    ----------
    raw
        The id as the source wrote it. It is not stored, and no message holds it.
    namespace
        Namespace of the source; None: the only one with readings of that id.

    Raises
    ------
    WagahaiError
        If the history has no such reader, or nothing at all, or was written with another key; or if several
        namespaces have readings of that id: they may be other people's.
    StoreBusy
        If a refresh or an ingest is still running after `wait_seconds`.
    """
    with _reader(store, raw, namespace, wait_seconds) as reader:
        shutil.rmtree(store.scratch, ignore_errors=True)  # of a killed ingest: the lock on the history is held
        store.sweep()
        reader.history.recover()
        reader = _in_one_namespace(reader, namespace)
        n_readings = n_readings_of(reader.history, reader.sought)
        is_held = n_readings > 0 or bool(_search(reader, [store.history], progress)[0])
        if not is_held and not reader.is_forgotten:
            raise WagahaiError(_unknown(reader.history, namespace))
        reader.suppressed = reader.suppressed.save(store, more=reader.sought.pseudonyms)
        mark_outdated(store, _learned(reader))
        if is_held:
            erase(reader.history, reader.sought, key_fingerprint(reader.suppressed.key))
        n_releases, n_artifacts = len(drop_superseded(store)), _delete_learned(reader)
        return Forgotten(n_readings, n_artifacts, n_releases, _prove(reader, progress))


def readmit(store: Store, raw: str, *, namespace: str | None = None, wait_seconds: float = 0.0) -> None:
    """Let a forgotten reader in again, with the next file that names them (not one that was ingested before).

    Raises
    ------
    WagahaiError
        If no such reader was forgotten, and as `forget` does.
    """
    with _reader(store, raw, namespace, wait_seconds) as reader:
        if not reader.is_forgotten:
            raise WagahaiError("no reader of that id was forgotten; nothing to do")
        reader.suppressed.save(store, fewer=reader.sought.pseudonyms)


def check(
    store: Store, raw: str, progress: Progress, *, namespace: str | None = None, wait_seconds: float = 0.0
) -> Proof:
    """Search every file of the store for a reader; raises as `forget` does, but not for one who is unknown."""
    with _reader(store, raw, namespace, wait_seconds) as reader:
        return _prove(reader, progress)


@contextmanager
def _reader(store: Store, raw: str, namespace: str | None, wait_seconds: float) -> Iterator[_Reader]:
    """Hold both locks and give the reader; refuse what would find nobody for the wrong reason."""
    if not raw.strip():
        raise WagahaiError("the id is empty; give it as the source writes it")
    with store.lock(REFRESH_LOCK, wait_seconds=wait_seconds), store.lock(HISTORY_LOCK, wait_seconds=wait_seconds):
        history = History(store.history)
        known = _namespaces(history)
        if namespace is not None and namespace not in known:
            raise WagahaiError(f"namespace {namespace!r}: the history has {', '.join(known)}")
        key = store.reader_key()
        refuse_another_key(history, key)
        pseudonyms = tuple(pseudonym(raw, one, key) for one in ([namespace] if namespace else known))
        yield _Reader(store, history, Sought(raw.strip(), pseudonyms), Suppressed.of(store))


def _namespaces(history: History) -> list[str]:
    """The namespaces of the history, in the order they came; raises BadHistory if there is none."""
    batches = history.latest().batches
    if not (names := list(dict.fromkeys(batches.filter(batches["source"] != FORGET)["namespace"]))):
        raise BadHistory(f"{history.folder}: nothing was ingested")
    return names


def _in_one_namespace(reader: _Reader, namespace: str | None) -> _Reader:
    """Narrow the search to the namespace that has readings of the id; the same number is another person in each."""
    if namespace is not None:
        return reader
    raw, names = reader.sought.raw, _namespaces(reader.history)
    found = {
        name: (sought, n_readings)
        for name, one in zip(names, reader.sought.pseudonyms, strict=True)
        if (n_readings := n_readings_of(reader.history, sought := Sought(raw, (one,))))
    }
    if len(found) > 1:
        told = ", ".join(f"{name} ({n_readings:,} readings)" for name, (_, n_readings) in found.items())
        raise WagahaiError(f"readers of that id are in {told}: they may be other people. Say which with --namespace")
    return replace(reader, sought=next(iter(found.values()))[0]) if found else reader


def _unknown(history: History, namespace: str | None) -> str:
    where = f"namespace {namespace}" if namespace else f"the namespaces {', '.join(_namespaces(history))}"
    return f"no reader of that id in {where}; give the id as the source writes it (a personal export: its file's name)"


# ---- what was learned -------------------------------------------------------------------


def _learned(reader: _Reader) -> list[str]:
    """Releases whose corpus holds the reader or is not there to be asked, or that name a file of theirs."""
    store, clean = reader.store, {folder.name for folder in _clean_corpora(reader)}
    releases = sorted(path for path in store.releases.glob("[!.]*") if path.is_dir())
    return [path.name for path in releases if not _is_clean(path / MANIFEST, clean, reader.sought)]


def _is_clean(manifest: Path, clean_corpora: set[str], sought: Sought) -> bool:
    try:
        corpus = read_json(manifest)["corpus"]["artifact"]
    except (BadArtifact, KeyError, TypeError):
        return False
    return corpus in clean_corpora and not sought.in_text.search(manifest.read_bytes())


def _clean_corpora(reader: _Reader) -> list[Path]:
    return [
        folder for folder in _artifacts(reader.store) if folder.parent.name == CORPUS and _is_without(folder, reader)
    ]


def _is_without(corpus: Path, reader: _Reader) -> bool:
    """Say whether a corpus does not hold the reader; one that cannot be read might."""
    try:
        corpus_digest(corpus)
        with np.load(corpus / ARRAYS, allow_pickle=False) as arrays:
            return not np.isin(arrays["readers"], reader.sought.pseudonyms).any()
    except (BadArtifact, OSError, KeyError, ValueError, BadZipFile):
        return False


def _delete_learned(reader: _Reader) -> int:
    """Delete corpora with the reader, and what was fitted to one or to one that is not there; return how many."""
    clean = _clean_corpora(reader)
    kept = {None, *(corpus_digest(folder) for folder in clean)}
    gone = [
        folder
        for folder in _artifacts(reader.store)
        if folder not in clean and (folder.parent.name == CORPUS or _fitted_to(folder) not in kept)
    ]
    for folder in gone:
        reader.store.discard(folder)
    return len(gone)


def _fitted_to(folder: Path) -> str | None:
    """Digest of the corpus that a model or an evaluation was made from; None of what knows no readers (works)."""
    try:
        data = read_json(folder / MANIFEST)["provenance"].get("data")
        return None if data is None else str(data["corpus"])
    except (BadArtifact, KeyError, TypeError, AttributeError):
        return ""


def _artifacts(store: Store) -> list[Path]:
    """Folders of everything learned; the simulated sample was not."""
    root = store.artifact(CORPUS, "any").parents[1]
    return sorted(path for path in root.glob("*/[!.]*") if path.is_dir() and path.parent.name != SAMPLE)


# ---- the proof --------------------------------------------------------------------------


def _prove(reader: _Reader, progress: Progress) -> Proof:
    store = reader.store
    traces, n_files = _search(reader, [path for path in sorted(store.root.iterdir()) if path != store.inbox], progress)
    left = {id_ for id_ in outdated(store) if store.release(id_).is_dir()}
    learned = sorted({*left, *_learned(reader)})
    return Proof(
        n_files, traces, learned, entries_with(store, reader.sought), reader.is_forgotten, reader.sought.is_odd
    )


def _search(reader: _Reader, places: list[Path], progress: Progress) -> tuple[list[Trace], int]:
    """Search files and folders of the store; return what was found and how many files were opened."""
    sample = reader.store.artifact(SAMPLE, "any").parent
    files = [file for place in places for file in files_under(place) if sample not in file.parents]
    progress.start("search", len(files))
    found = list(search(files, reader.store.root, reader.sought, progress.advance))
    progress.finish(f"{len(files):,} files")
    return found, len(files)
