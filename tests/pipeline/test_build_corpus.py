"""From a history to a corpus: thresholds, order, tokens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.corpus import NO_DATE, Corpus
from data.errors import EmptyCorpus
from data.history import History, ReadingHistory
from data.progress import Quiet
from data.pseudonym import pseudonym
from data.store import KEY_VARIABLE, Store
from pipeline.build_corpus import build_corpus, corpus_digest, make_corpus
from pipeline.config import CorpusConfig
from pipeline.ingest import ingest
from tests.pipeline.tsv import Tsv

KEY = "a key of the tests"
ALL = CorpusConfig(min_readers=1, min_books=1)


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)


def history(root: Path, *files: str) -> ReadingHistory:
    """The history of some files, one batch each; blanks stand for tabs."""
    store = Store(root / "store")
    for i, text in enumerate(files):
        path = root / f"{i}.tsv"
        path.write_text(text.replace(" ", "\t"))
        ingest(store, path, Tsv(), Quiet())
    return History(store.history).latest()


def names(corpus: Corpus) -> list[str]:
    """Raw ids of the corpus's readers, in its order."""
    raw = {pseudonym(letter, "tsv", KEY.encode()): letter for letter in "abcdefghijklmnopqrstuvwxyz"}
    return [raw[id_] for id_ in corpus.readers.ids]


def read_by(corpus: Corpus) -> dict[str, str]:
    """Raw reader -> books in the order read."""
    return {
        name: "".join(corpus.books.ids[j].removeprefix("tsv:") for j in corpus.sequence_of(i))
        for i, name in enumerate(names(corpus))
    }


def test_thresholds_reach_a_fixed_point(tmp_path: Path) -> None:
    # w has one reader (d): w goes; d then has one book (z) and goes; z then has one reader (c) and goes;
    # c then has one book (y) and goes. What is left: a and b with x and y.
    lines = ["d w", "d z", "c z", "c y", "a x", "a y", "b x", "b y"]
    corpus = build_corpus(history(tmp_path, "\n".join(lines)), CorpusConfig(min_readers=2, min_books=2))
    assert read_by(corpus) == {"a": "xy", "b": "xy"}
    assert corpus.books.ids == ("tsv:x", "tsv:y")
    np.testing.assert_array_equal(corpus.counts.toarray(), [[1, 1], [1, 1]])


def test_thresholds_that_leave_nothing_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EmptyCorpus, match=r"at least 2 readers a book and 1 books a reader; lower corpus.min_readers"):
        build_corpus(history(tmp_path, "a x\nb y"), CorpusConfig(min_readers=2, min_books=1))


def test_only_books_that_were_read_count(tmp_path: Path) -> None:
    lines = ["a x - - wish", "a y - - dropped", "a z - - reading", "a v - - read", "b w - - wish"]
    assert read_by(build_corpus(history(tmp_path, "\n".join(lines)), ALL)) == {"a": "v"}


def test_books_are_in_the_order_read_dated_ones_first(tmp_path: Path) -> None:
    first = "a u\na x 2021-01-01\na y 2020-01-01\na t\na z 2020-01-01"
    corpus = build_corpus(history(tmp_path, first, "a v 2019-01-01\na s"), ALL)
    assert read_by(corpus) == {"a": "vyzxuts"}
    days = [int(np.datetime64(f"{year}-01-01", "D").astype(int)) for year in (2019, 2020, 2020, 2021)]
    assert corpus.read_on.tolist() == [*days, NO_DATE, NO_DATE, NO_DATE]
    assert corpus.has_dates


def test_a_book_read_again_counts_once(tmp_path: Path) -> None:
    corpus = build_corpus(history(tmp_path, "a x 2020-01-01\na x 2021-01-01\nb x"), ALL)
    np.testing.assert_array_equal(corpus.counts.toarray(), [[1], [1]])
    assert corpus.counts.dtype == np.float32
    assert corpus.readers_per_book.tolist() == [2]


def test_readers_are_in_the_order_of_the_history(tmp_path: Path) -> None:
    corpus = build_corpus(history(tmp_path, "z x\nm x\na x", "k x\nz y"), ALL)
    assert names(corpus) == ["z", "m", "a", "k"]


def test_nothing_but_the_reader_ids_depends_on_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n".join(f"r{i} b{(i * j) % 7} 20{10 + (i + j) % 9}-01-01" for i in range(30) for j in range(1, 5))
    corpora, digests = [], []
    for key in ("the first of two keys", "the second of two keys"):
        monkeypatch.setenv(KEY_VARIABLE, key)
        (tmp_path / key).mkdir()
        digests.append((pinned := history(tmp_path / key, text)).digest)
        corpora.append(build_corpus(pinned, ALL))
    one, two = corpora
    assert digests[0] == digests[1]
    assert set(one.readers.ids).isdisjoint(two.readers.ids)
    assert one.books == two.books
    for name in ("sequence", "read_on", "reader_tokens"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    np.testing.assert_array_equal(one.counts.toarray(), two.counts.toarray())


def test_tokens_are_distinct_and_stay_when_a_batch_is_added(tmp_path: Path) -> None:
    # Book r is rare at first, so a's first kept row is its second; when r is kept too, a's token must stay.
    first = "a r\na x\na y\nb x\nb y\nc - wish\nc x\nc y".replace("c - wish", "c v - - wish")
    config = CorpusConfig(min_readers=2, min_books=2)
    before = build_corpus(history(tmp_path, first), config)
    after = build_corpus(history(tmp_path, first, "d r\nd x\na x - 5"), config)
    assert read_by(before) == {"a": "xy", "b": "xy", "c": "xy"}
    assert read_by(after) == {"a": "rxy", "b": "xy", "c": "xy", "d": "rx"}
    assert after.reader_tokens[:3].tolist() == before.reader_tokens.tolist()
    assert len(set(after.reader_tokens.tolist())) == 4


WORK = CorpusConfig(min_readers=1, min_books=1, unit="work")
EDITIONS = "B x Emma Austen\nB y Emma_(Penguin) Austen\nB z Hamlet Shakespeare\n"


def of_works(root: Path, *files: str, config: CorpusConfig = WORK) -> Corpus:
    """The corpus of works of some files; x and y are one work."""
    pinned = history(root, *(EDITIONS + text for text in files))
    return Corpus.load(make_corpus(Store(root / "store"), pinned, config)[0])


def test_readings_of_any_edition_are_of_the_work_and_its_most_read_edition_names_it(tmp_path: Path) -> None:
    corpus = of_works(tmp_path, "a x\na z\nb y\nc y\nd x - - wish")
    assert read_by(corpus) == {"a": "yz", "b": "y", "c": "y"}
    assert corpus.books.ids == ("tsv:y", "tsv:z")
    assert corpus.readers_per_book.tolist() == [3, 1]


def test_of_editions_as_much_read_the_smallest_id_names_the_work(tmp_path: Path) -> None:
    assert of_works(tmp_path, "a y\nb x").books.ids == ("tsv:x",)


def test_thresholds_count_readers_of_the_work(tmp_path: Path) -> None:
    lines = "a x\na z\nb y\nb z\na y"  # a has read two works, in three editions
    with pytest.raises(EmptyCorpus):
        of_works(tmp_path, lines, config=CorpusConfig(min_readers=2, min_books=3, unit="work"))
    corpus = of_works(tmp_path, lines, config=CorpusConfig(min_readers=2, min_books=2, unit="work"))
    assert read_by(corpus) == {"a": "yz", "b": "yz"}


def test_a_work_read_in_two_editions_was_read_once_when_that_is_known_best(tmp_path: Path) -> None:
    first = "a z 2020-06-01\na x\nb x 2021-01-01\nb z 2020-06-01"
    corpus = of_works(tmp_path, first, "a y 2020-01-01\nb y 2020-01-01")
    assert read_by(corpus) == {"a": "xz", "b": "xz"}
    days = [int(np.datetime64(day, "D").astype(int)) for day in ("2020-01-01", "2020-06-01")]
    assert corpus.read_on.tolist() == days * 2
    assert corpus.readers_per_book.tolist() == [2, 2]


def test_an_undated_work_keeps_the_place_of_its_first_reading(tmp_path: Path) -> None:
    assert read_by(of_works(tmp_path, "a x\na z", "a y")) == {"a": "xz"}


def test_a_corpus_of_works_is_made_again_when_a_person_overrules(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    pinned = history(tmp_path, EDITIONS + "a x\na y")
    folder, _ = make_corpus(store, pinned, WORK)
    of_editions, _ = make_corpus(store, pinned, ALL)
    store.overrules.write_text('apart = [["tsv:x", "tsv:y"]]')
    apart, made = make_corpus(store, pinned, WORK)
    assert made
    assert [Corpus.load(one).n_books for one in (folder, of_editions, apart)] == [1, 2, 2]
    assert make_corpus(store, pinned, ALL) == (of_editions, False)


AUTHOR = CorpusConfig(min_readers=1, min_books=1, unit="author")
BY_AUTHORS = (
    "B v Dune Herbert,_Frank\nB w Dune_Messiah Frank_Herbert\nB x Emma Jane_Austen\nB y Beowulf Anonymous\n"
    "B z Persuasion Jane_Austen,_Someone_Else\nB t Untold\n"
)


def of_authors(root: Path, *files: str, config: CorpusConfig = AUTHOR) -> Corpus:
    """The corpus of authors of some files; v and w are by Herbert, x and z by Austen, y and t by nobody named."""
    described = BY_AUTHORS.replace(" ", "\t").replace("_", " ")
    texts = [described + text.replace(" ", "\t") for text in files]
    store = Store(root / "store")
    for i, text in enumerate(texts):
        (root / f"{i}.tsv").write_text(text)
        ingest(store, root / f"{i}.tsv", Tsv(), Quiet())
    return Corpus.load(make_corpus(store, History(store.history).latest(), config)[0])


def test_authors_are_the_books_of_a_corpus_of_authors(tmp_path: Path) -> None:
    corpus = of_authors(tmp_path, "a v\na x\nb w\nc y\nc t\nc u\nd z - - wish")
    assert corpus.books.ids == ("author:austen jane", "author:frank herbert")
    assert names(corpus) == ["a", "b"]  # c read nothing whose author is named, d did not read
    np.testing.assert_array_equal(corpus.counts.toarray(), [[1, 1], [0, 1]])


def test_an_author_is_read_once_when_that_is_known_best(tmp_path: Path) -> None:
    corpus = of_authors(tmp_path, "a x 2020-06-01\na v\na w 2020-01-01\na z 2021-01-01")
    assert [corpus.books.ids[j] for j in corpus.sequence] == ["author:frank herbert", "author:austen jane"]
    days = [int(np.datetime64(day, "D").astype(int)) for day in ("2020-01-01", "2020-06-01")]
    assert corpus.read_on.tolist() == days
    np.testing.assert_array_equal(corpus.counts.toarray(), [[1, 1]])


def test_an_undated_author_keeps_the_place_of_the_first_reading(tmp_path: Path) -> None:
    corpus = of_authors(tmp_path, "a w\na x", "a v")
    assert [corpus.books.ids[j] for j in corpus.sequence] == ["author:frank herbert", "author:austen jane"]


def test_thresholds_count_readers_of_the_author(tmp_path: Path) -> None:
    lines = "a v\na w\na x\nb w\nb z\nc v\nc w"  # two books of one author are one of c's
    corpus = of_authors(tmp_path, lines, config=CorpusConfig(min_readers=2, min_books=2, unit="author"))
    assert names(corpus) == ["a", "b"]
    assert corpus.readers_per_book.tolist() == [2, 2]


def test_a_corpus_of_authors_is_made_once_and_apart_from_that_of_editions(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    pinned = history(tmp_path, EDITIONS + "a x\na z")
    folder, made = make_corpus(store, pinned, AUTHOR)
    assert made
    assert make_corpus(store, pinned, AUTHOR) == (folder, False)
    assert {make_corpus(store, pinned, one)[0] for one in (ALL, WORK, AUTHOR)} > {folder}
    assert Corpus.load(folder).books.ids == ("author:austen", "author:shakespeare")


def test_a_corpus_is_made_once_per_history_and_settings(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    pinned = history(tmp_path, "a x\nb x")
    folder, made = make_corpus(store, pinned, ALL)
    assert made
    assert make_corpus(store, pinned, ALL) == (folder, False)
    assert make_corpus(store, pinned, CorpusConfig(min_readers=2, min_books=1))[1]
    loaded = Corpus.load(folder)
    assert corpus_digest(folder) == loaded.digest == build_corpus(pinned, ALL).digest
    later = history(tmp_path, "a x\nb x", "c x")
    assert make_corpus(store, later, ALL)[1]
    assert make_corpus(store, pinned, ALL) == (folder, False)
