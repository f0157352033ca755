"""A store with readers, a release that serves and one before it, to forget a reader of; and dying while at it."""

from __future__ import annotations

import os
import pathlib
import signal
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import polars as pl
from deltalake import DeltaTable

import data.erasure
import data.store
from data.history import History
from data.progress import Quiet
from data.pseudonym import pseudonym
from data.store import Store
from pipeline.forget import forget
from pipeline.ingest import ingest
from pipeline.publish import publish
from tests.pipeline.ingredients import ingredients, write_evaluation
from tests.pipeline.tsv import Tsv

N_READERS, N_BOOKS = 24, 6
WHO, LIGHT = "hanako@example.org", "7"  # one who is in every corpus; one who read too little to be in any
STEPS = ("_flush", "unlink", "delete", "create_checkpoint", "write_deltalake")


def export(folder: Path, name: str, *, more: tuple[str, ...] = (), seed: int = 0) -> Path:
    """Write an export of all readers, two tastes, `WHO` and `LIGHT` among them."""
    lines = [f"B\tb{book}\tTitle {book}" for book in range(2 * N_BOOKS)]
    for reader in range(N_READERS):
        who = WHO if reader == 5 else f"reader-{reader}"
        books = [(book + reader + seed) % N_BOOKS + N_BOOKS * (reader % 2) for book in range(N_BOOKS)]
        lines += [f"{who}\tb{book}\t2020-01-{1 + book:02d}\t{1 + (book + seed) % 5}" for book in books]
    lines += [f"{LIGHT}\tb0\t2021-03-01", "!rating\t9", *more]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join(lines))
    return folder / name


def make_store(root: Path) -> Store:
    """Ingest twice, publish twice."""
    store = Store(root / "store")
    _write_key(store)
    for seed in range(2):
        ingest(store, export(root, f"{seed}.tsv", seed=seed), Tsv(), Quiet())
        history = History(store.history).latest()
        evaluation = write_evaluation(store, f"e{seed}", spectral=0.3 + seed / 10)
        assert publish(store, ingredients(store, history, evaluation)).passed
    return store


def _write_key(store: Store) -> None:
    """Write a key under which `WHO` comes first, so that Delta's log names the pseudonym as the least of its file."""
    others = [LIGHT, *(f"reader-{reader}" for reader in range(N_READERS))]
    keys = (f"key {i} of the tests" for i in count())
    first = next(key for key in keys if all(_name(WHO, key) < _name(other, key) for other in others))
    store.write_whole(store.root / "key", first, private=True)


def _name(raw: str, key: str) -> str:
    return pseudonym(raw, "tsv", key.encode())


def publish_again(store: Store) -> str:
    """Publish what the history holds now; return the id of the release that serves."""
    history = History(store.history).latest()
    evaluation = write_evaluation(store, f"e{history.version}", spectral=0.5)
    return publish(store, ingredients(store, history, evaluation)).release_id


def name_of(store: Store, raw: str = WHO) -> str:
    """The pseudonym of a reader."""
    return pseudonym(raw, "tsv", store.reader_key())


def readings_but(store: Store, *raws: str) -> pl.DataFrame:
    """Every column of the readings of all other readers."""
    names = [name_of(store, raw) for raw in raws]
    frame = History(store.history).latest().readings.filter(~pl.col("reader").is_in(names))
    return frame.sort("reader", "book").collect()


def holding(store: Store, raw: str = WHO) -> list[str]:
    """Files that hold the pseudonym, found without the code under test: bytes, columns, arrays."""
    wanted, found = name_of(store, raw), []
    for path in sorted(store.root.rglob("*")):
        if not path.is_file():
            continue
        content = path.read_bytes()
        if path.suffix == ".parquet":
            content += repr(pl.read_parquet(path).rows()).encode()
        if wanted.encode() in content or wanted.encode("utf-32-le") in content:  # so numpy keeps texts
            found.append(str(path.relative_to(store.root)))
    return found


def count_steps(die_at: int) -> list[int]:
    """Count what a forget writes and deletes from now on; die before the `die_at`th as by ``kill -9``."""
    seen = [0]

    def counting(step: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*given: Any, **named: Any) -> Any:
            seen[0] += 1
            if seen[0] == die_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return step(*given, **named)

        return counted

    for place in (data.store, pathlib.Path, DeltaTable, data.erasure):
        for name in STEPS:
            if name in vars(place):
                setattr(place, name, counting(getattr(place, name)))
    return seen


if __name__ == "__main__":  # python -m tests.pipeline.forgetting STORE NTH_STEP; prints how many there were
    steps = count_steps(int(sys.argv[2]))
    forget(Store(Path(sys.argv[1])), WHO, Quiet())
    sys.stdout.write(f"{steps[0]}\n")
