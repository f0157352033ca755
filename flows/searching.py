"""The command that searches a model's settings, on validation readers, and writes them as a profile."""

from __future__ import annotations

import argparse
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

from data.errors import BadConfig
from data.history import History
from data.store import Store
from flows.progress import TerminalProgress
from flows.tables import write_json, write_table
from pipeline.build_corpus import make_corpus
from pipeline.config import load_settings, profile_path
from pipeline.represent import check_settings
from pipeline.search import SEARCHED, Searched, Tried, search, write_profile

N_SHOWN = 10


def search_settings(chosen: argparse.Namespace) -> int:
    """Search the settings of some kinds of models, write the winners as a profile, and print what was tried.

    Raises
    ------
    BadConfig
        If a kind has nothing to search, or the file to write has no folder, or is there and not the profile that is
        searched from: a search of hours must not end in nothing. If the profile has settings of another kind that were
        searched with another seed.
    """
    base, output = profile_path(chosen.profile), Path(chosen.output)
    if output.exists() and output.resolve() != base.resolve():
        raise BadConfig(f"{output} exists; name another --output, or search from it with --profile {output}")
    if not output.parent.is_dir():
        raise BadConfig(f"{output}: there is no folder {output.parent}; make it, or name another --output")
    if unknown := [kind for kind in chosen.kind if kind not in SEARCHED]:
        raise BadConfig(f"search: nothing to search of {', '.join(unknown)}; known are {', '.join(SEARCHED)}")
    store, settings = Store.from_environment(chosen.store), load_settings(base)
    others = {kind: record for kind, record in settings.searched.items() if kind not in chosen.kind}
    check_settings(replace(settings, searched=others), chosen.seed)
    with TerminalProgress() as progress:
        corpus, _ = make_corpus(store, History(store.history).latest(), settings.corpus)
        found = [
            search(store, corpus, kind, SEARCHED[kind], chosen.budget, chosen.seed, progress, settings)
            for kind in dict.fromkeys(chosen.kind)
        ]
    write_profile(output, found, tomllib.loads(base.read_text(encoding="utf-8")))
    if chosen.format == "json":
        write_json({one.kind: one.record() for one in found})
    else:
        for one in found:
            _print(one)
        same_readers = f" --seed {chosen.seed}" if chosen.seed else ""
        sys.stdout.write(f"written: {output}; use it with: wagahai refresh --profile {output}{same_readers}\n")
    return 0


def _print(found: Searched) -> None:
    """Print the best settings, those one had among them."""
    tried = f"{found.kind}: {found.n_sampled} of {found.n_space:,} settings and the ones it had"
    judged = f"{found.metric} of {found.n_validation:,} validation readers"
    trained = f"trained on {found.n_sample:,} readers, the best on all {found.n_train:,}"
    order = sorted(found.tried, key=lambda trial: (-(trial.full or 0), -(trial.sample or 0)))
    shown = order[:N_SHOWN] if found.tried[0] in order[:N_SHOWN] else [*order[: N_SHOWN - 1], found.tried[0]]
    rows = [_row(found, trial) for trial in shown]
    write_table(f"{tried}; {judged}; {trained}", rows, {key: key if key != "which" else "" for key in rows[0]})


def _row(found: Searched, trial: Tried) -> dict[str, Any]:
    gain = trial.gain
    which = "winner" if trial is found.winner else "had" if trial is found.tried[0] else ""
    return {
        "settings": ", ".join(f"{key} {value}" for key, value in trial.settings.items()),
        "sample": trial.sample,
        "all": trial.full,
        "gain": f"{gain.mean:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})" if gain else "",
        "which": which,
    }
