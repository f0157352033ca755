"""The figures of Taniguchi et al. 2023 redone, as one page, from what the benchmarks of Boltzmann machines wrote.

    python -m tests.benchmarks.dbm_figures --results FOLDER --page PATH

FOLDER holds ``dbm_exact.json``, ``dbm_couplings.json`` and ``dbm_digits.json``, each what the benchmark of its name
prints with ``--json``. What is missing is said to be missing on the page.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from data.errors import WagahaiError
from reports.boltzmann_figures import figures_page
from reports.boltzmann_results import read_results


def main(arguments: list[str]) -> int:
    """Write the page and print its path."""
    chosen = parsed(arguments)
    if not chosen.results.is_dir():
        raise WagahaiError(f"{chosen.results}: no such folder; it holds what benchmarks printed with --json")
    results = read_results(chosen.results)
    chosen.page.parent.mkdir(parents=True, exist_ok=True)
    chosen.page.write_text(figures_page(results), encoding="utf-8")
    missing = "".join(f"missing: {name}.json\n" for name in results.missing)
    sys.stdout.write(f"{chosen.page}\n{missing}")
    return 0


def parsed(arguments: list[str]) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.dbm_figures",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--results", type=Path, required=True, help="folder of what the benchmarks wrote")
    parser.add_argument("--page", type=Path, required=True, help="where to write the page")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
