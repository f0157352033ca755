"""The arguments of the questions to a release: nearest, why, editions, topics, predict, recommend, complete.

The answers are loaded when asked.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from flows.tables import OUTPUTS


def add_questions(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands that ask a release about books."""
    _add_nearest(commands)
    parser = commands.add_parser("why", help="why two books are near: who reads both, and what else they read")
    parser.add_argument("title", nargs="*", help="two titles, or ids")
    _add_named(parser)
    parser = commands.add_parser("editions", help="the editions of a work side by side")
    parser.add_argument("title", nargs="*", help="a title as you would type it")
    _add_named(parser)
    _add_topics(commands)
    _add_predict(commands)
    _add_recommend(commands)
    _add_complete(commands)


def count(text: str) -> int:
    """Return a whole number, 0 or more, that was typed."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number, 0 or more")
    return int(text)


def add_output(parser: argparse.ArgumentParser, outputs: Sequence[str] = OUTPUTS) -> None:
    """Add the choice of how to print."""
    parser.add_argument("--format", choices=outputs, default="table", help="how to print (default table)")
    parser.add_argument("--json", action="store_const", const="json", dest="format", help="same as --format json")


def _add_nearest(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("nearest", help="books near and far from a title, from several, or from a reader")
    parser.add_argument(
        "title", nargs="*", help="a title as you would type it; part of it will do; several: their middle"
    )
    parser.add_argument("--unlike", action="append", default=[], metavar="TITLE", help="but not like this (repeatable)")
    parser.add_argument("--reader", metavar="ID", help="near this reader; - reads the id from standard input")
    parser.add_argument("--namespace", help="namespace of the reader's source")
    parser.add_argument("-k", type=count, default=10, metavar="N", help="nearest books to list (default 10)")
    parser.add_argument("--far", type=count, default=0, metavar="N", help="farthest books to list (default none)")
    parser.add_argument("--space", metavar="KIND", help="ask this space of the release, not its default one")
    _add_filters(parser)
    _add_named(parser)


def _add_topics(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("topics", help="what is read here: topics of the readership, of a book, of a reader")
    parser.add_argument("title", nargs="?", help="the topics of this book; part of its title will do")
    parser.add_argument("--book", metavar="ID", help="of a book by its id, where several have the title")
    parser.add_argument("--reader", metavar="ID", help="of this reader; - reads the id from standard input")
    parser.add_argument("--namespace", help="namespace of the reader's source")
    parser.add_argument("--model", metavar="KIND", help="ask this model, not the one to trust")
    parser.add_argument("-n", type=count, default=5, metavar="N", help="typical books of each topic (default 5)")
    parser.add_argument("--release", metavar="ID", help="ask this release, not the one that serves")
    add_output(parser)


def _add_predict(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("predict", help="what a reader will think of a book, if they read it, and how sure")
    parser.add_argument("reader", metavar="READER", help="the reader's id; - reads it from standard input")
    parser.add_argument("title", nargs="?", metavar="BOOK", help="a title as you would type it; part of it will do")
    parser.add_argument("--book", metavar="ID", help="a book by its id, where several have the title")
    parser.add_argument("--namespace", help="namespace of the reader's source")
    parser.add_argument("--release", metavar="ID", help="ask this release, not the one that serves")
    add_output(parser)


def _add_recommend(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("recommend", help="books a reader has not read, the likeliest next first")
    parser.add_argument("reader", metavar="READER", help="the reader's id; - reads it from standard input")
    parser.add_argument("-k", type=count, default=10, metavar="N", help="books to list (default 10)")
    parser.add_argument("--explore", action="store_true", help="rank by one draw of what is not certain")
    parser.add_argument("--seed", type=count, metavar="N", help="of the draw (default: of the day)")
    parser.add_argument("--namespace", help="namespace of the reader's source")
    parser.add_argument("--release", metavar="ID", help="ask this release, not the one that serves")
    _add_filters(parser)
    add_output(parser)


def _add_complete(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("complete", help="books missing of what a reader has read, how likely and how sure")
    parser.add_argument("reader", metavar="READER", help="the reader's id; - reads it from standard input")
    parser.add_argument("-k", type=count, default=10, metavar="N", help="books to list (default 10)")
    parser.add_argument("--namespace", help="namespace of the reader's source")
    parser.add_argument("--release", metavar="ID", help="ask this release, not the one that serves")
    _add_filters(parser)
    add_output(parser)


def _add_filters(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("filters", "which books may be listed")
    group.add_argument("--author", metavar="NAME", help="only by this author")
    group.add_argument("--not-author", metavar="NAME", help="not by this author")
    group.add_argument("--other-authors", action="store_true", help="not by an author of the books asked about")
    group.add_argument("--other-works", action="store_true", help="no other edition of the books asked about")
    group.add_argument("--language", metavar="CODE", help="only in this language")
    group.add_argument("--book-format", metavar="FORMAT", help="only in this format (bunko, 文庫, hardcover ...)")
    group.add_argument("--from-year", type=int, metavar="YEAR", help="published in this year or later")
    group.add_argument("--to-year", type=int, metavar="YEAR", help="published in this year or before")
    group.add_argument("--min-readers", type=count, default=0, metavar="N", help="with at least so many readers")
    group.add_argument("--only", metavar="FILE", help="only books of this list: an id or a title on each line")
    group.add_argument("--without", metavar="FILE", help="no book of this list")


def _add_named(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--book", action="append", default=[], metavar="ID", help="a book by its id, where several have the title"
    )
    parser.add_argument("--release", metavar="ID", help="ask this release, not the one that serves")
    add_output(parser)
