"""The command line `wagahai`.

Every command imports what it needs when it runs: asking for the nearest book loads neither Prefect
nor torch (`tests.benchmarks.queries` has how long that takes).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from data.errors import AmbiguousTitle, UnknownBook, WagahaiError
from data.spreadsheet import visible
from flows.asking import add_output, add_questions, count
from flows.tables import write_json

if TYPE_CHECKING:
    from data.release import Release
    from data.store import Store
    from flows.reading import Placed
    from flows.telling_topics import Shares

USER_ERROR, REFUSED = 2, 3
READS = ("nearest", "why", "editions", "topics", "releases", "predict", "recommend", "complete")
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code.

    0 done, 2 an error the user can mend, 3 a release refused, or a reader who was to be forgotten still held.
    """
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.command in READS:
        for variable in _THREADS:  # before numpy is loaded; a question is too small for more than one
            os.environ.setdefault(variable, "1")
    try:
        code = _run(chosen)
        sys.stdout.flush()
        return code
    except WagahaiError as error:
        return _fail(chosen, error, str(error))
    except BrokenPipeError:  # `wagahai nearest ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the flush at exit fails again
        return 0
    except OSError as error:  # a folder that may not be written, a disk that is full
        return _fail(chosen, error, ": ".join(filter(None, (str(error.filename or ""), error.strerror or str(error)))))


def _fail(chosen: argparse.Namespace, error: Exception, message: str) -> int:
    """Say what went wrong, to a program too where it asked for JSON; return the exit code."""
    if getattr(chosen, "format", None) == "json":
        write_json(
            {
                "error": type(error).__name__,
                "message": message,
                "matches": list(getattr(error, "matches", ())),
                "suggestions": list(getattr(error, "suggestions", ())),
            }
        )
    sys.stderr.write(f"wagahai: {visible(message)}\n")
    return USER_ERROR


def _run(chosen: argparse.Namespace) -> int:
    if chosen.command in ("nearest", "releases", "rollback"):
        from flows import reading

        if chosen.command == "nearest":
            return reading.nearest(chosen, reading.Placing(_placed_book, _placed_reader))
        return {"releases": reading.releases, "rollback": reading.rollback}[chosen.command](chosen)
    if chosen.command == "topics":
        from flows import telling_topics

        return telling_topics.topics(chosen, _topics_of_reader)
    if chosen.command in ("predict", "recommend", "complete"):
        return _ask_of_reader(chosen)
    if chosen.command in ("why", "editions"):
        from flows import explaining

        return {"why": explaining.why, "editions": explaining.editions}[chosen.command](chosen)
    if chosen.command in ("history", "rejects", "forget"):
        from flows import holdings

        told = {"history": holdings.history, "rejects": holdings.rejects, "forget": holdings.forget}
        return told[chosen.command](chosen)
    if chosen.command == "books":
        from flows import books

        return books.explain_work(chosen)
    if chosen.command == "search":
        from flows import searching

        return searching.search_settings(chosen)
    return _write(chosen)


def _write(chosen: argparse.Namespace) -> int:
    from flows import writing

    return {
        "formats": writing.formats,
        "ingest": writing.ingest,
        "refresh": writing.refresh,
        "report": writing.report,
        "serve": writing.serve,
    }[chosen.command](chosen)


def _ask_of_reader(chosen: argparse.Namespace) -> int:
    if chosen.command == "predict":
        from flows import predicting

        return predicting.predict(chosen)
    if chosen.command == "complete":
        from flows import completing

        return completing.complete(chosen)
    from flows import recommending

    return recommending.recommend(chosen)


def _placed_book(
    store: Store, release: Release, space: str | None, error: UnknownBook | AmbiguousTitle, title: str
) -> Placed:
    """Place a book that is not in the release: only then is the history loaded."""
    from flows.placing import placed_book

    return placed_book(store, release, space, error, title)


def _placed_reader(store: Store, release: Release, reader: str, namespace: str | None) -> Placed:
    """Place a reader: only then is the history loaded."""
    from flows.placing import placed_reader

    return placed_reader(store, release, reader, namespace)


def _topics_of_reader(store: Store, release: Release, kind: str, reader: str, namespace: str | None) -> Shares:
    """Work out the topics of a reader: only then are the history and the model loaded."""
    from flows.placing import topics_of_reader

    return topics_of_reader(store, release, kind, reader, namespace)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wagahai",
        description="Reading histories in; which books are near, and how sure we are, out.",
    )
    parser.add_argument("--store", help="folder of everything a run makes (default: $WAGAHAI_STORE, else .wagahai)")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_questions(commands)
    _add_releases(commands)
    _add_ingest(commands)
    _add_refresh(commands)
    _add_search(commands)
    _add_report(commands)
    _add_holdings(commands)
    _add_books(commands)
    commands.add_parser("serve", help="run the scheduled deployments of prefect.yaml until interrupted")
    return parser


def _add_releases(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("releases", help="releases kept, and which one serves")
    add_output(parser)
    parser = commands.add_parser("rollback", help="make a kept release the one that serves")
    parser.add_argument("release", metavar="ID")


def _add_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", nargs="?", help="file or folder (default: everything in the store's inbox)")
    parser.add_argument("--format", help="one of those that wagahai formats lists (default: recognised)")
    parser.add_argument("--mapping", metavar="TOML", help="which column means what, for --format events")
    parser.add_argument("--namespace", help="prefix that tells this source's readers and books from others'")
    parser.add_argument("--reader", metavar="ID", help="whose personal export it is (default: the name of the file)")


def _add_ingest(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    commands.add_parser("formats", help="the formats that ingest and refresh read")
    _add_source(commands.add_parser("ingest", help="bring a file or folder of readings into the history"))


def _add_refresh(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("refresh", help="ingest, train, publish what is good, report")
    _add_source(parser)
    parser.add_argument("--sample", action="store_true", help="ingest the bundled sample (simulated readers)")
    parser.add_argument("--profile", default="default", help="smoke, default, demo, full, or a .toml file")
    parser.add_argument("--seed", type=count, default=0, help="root of everything random (default 0)")
    parser.add_argument("--runner", default="threads", help="where models are fitted: threads or dask")
    parser.add_argument(
        "--wait", type=float, default=0.0, metavar="SECONDS", help="wait for another refresh (-1: for ever)"
    )


def _add_search(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("search", help="search settings of models on validation readers, as a profile")
    parser.add_argument("kind", nargs="+", metavar="KIND", help="of model: spectral, word2vec, ppmi, ease, blend ...")
    parser.add_argument("--budget", type=count, default=20, metavar="N", help="settings to try (default 20)")
    parser.add_argument("--profile", default="default", help="the settings to beat (default: default)")
    parser.add_argument("--output", default="searched.toml", metavar="TOML", help="profile to write (searched.toml)")
    parser.add_argument("--seed", type=count, default=0, help="root of everything random (default 0)")
    add_output(parser, ("table", "json"))


def _add_report(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("report", help="write the reports of a release")
    parser.add_argument("--release", metavar="ID", help="default: the one that serves")


def _add_holdings(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    history = commands.add_parser("history", help="what was ingested, version by version, and what it came to")
    rejects = commands.add_parser("rejects", help="rows that did not enter the history, and why")
    for parser in (history, rejects):
        parser.add_argument("batch", nargs="?", metavar="BATCH", help="one ingest only; the first digits of its id do")
        add_output(parser)
    rejects.add_argument("--reason", metavar="TEXT", help="only reasons that contain this")
    rejects.add_argument("-n", type=count, default=20, metavar="N", help="rows to list (default 20)")
    parser = commands.add_parser("forget", help="remove a reader from everything, and prove it")
    parser.add_argument(
        "reader", nargs="+", metavar="ID", help="the id as the source writes it; - reads it from standard input"
    )
    parser.add_argument("--namespace", help="namespace of the source (default: the one with readings of the id)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--check", action="store_true", help="remove nothing; search every file (exit 3 if found)")
    which.add_argument("--readmit", action="store_true", help="let a forgotten reader in again")
    parser.add_argument("--wait", type=float, default=0.0, metavar="SECONDS", help="wait for a refresh or an ingest")


def _add_books(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    asked = commands.add_parser("books", help="the books of the history").add_subparsers(
        dest="question", required=True, metavar="QUESTION"
    )
    parser = asked.add_parser("explain", help="which editions are one work, and why; which are not, and why")
    parser.add_argument("title", nargs="?", help="a title as you would type it; part of it will do")
    parser.add_argument("--book", metavar="ID", help="the book's id, where several works have the title")
    add_output(parser)


if __name__ == "__main__":
    sys.exit(main())
