"""Readers with planted tastes over a real catalogue: a history whose right answers are known.

The story, in the order in which the numbers are drawn (by name from one seed, so that a seed is a history):

1. An edition has a **popularity** (Zipf-Mandelbrot in its rank, and the rank follows `fame`) and a
   **quality**.
2. A **community** is a taste: one language, genre and shelf (imprint, or format where there is none), such
   as Japanese classics in 新潮文庫. It gives every edition a probability of a read: popularity, less for
   another genre or shelf, plus a share of what everybody reads.
3. A **reader** reads one language (some both) and draws a mixture over its communities from a sparse
   Dirichlet; readers also differ in how many books they read (log-normal), in loyalty, leniency and noise.
4. Books are drawn one by one **without replacement** from the mixture, reshaped by what was read: an author
   read once is pulled in the same imprint by the reader's loyalty, the author just read a little more, the
   next volume of a series hard; a volume whose predecessor is unread is held back, and so is a work that
   was read in another edition.
5. **Dates** rise along the reader's order, in bursts.
6. A **rating** is quality + the book's fit to the reader's communities + leniency + the reader's own noise,
   rounded to 1..5; some are missing.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl

from data.planted import FloatArray, IntArray, Simulation, SimulationConfig, Truth
from data.seeds import generator

CATALOGUE = Path(__file__).parent / "sample" / "catalogue.tsv"
FIRST_DAY = dt.date(2015, 1, 1)
LAST_DAY = dt.date(2025, 12, 31)
N_DAYS = (LAST_DAY - FIRST_DAY).days + 1
# Most gaps between two books are short, the others long (exponential): bursts of reading.
P_BURST, BURST_GAP_DAYS, PAUSE_GAP_DAYS = 0.7, 2.5, 40.0


def load_catalogue() -> pl.DataFrame:
    """Return the hand-made catalogue of real editions; ``data/sample/README.md`` describes its columns."""
    # No quoting: a quotation mark in a title is a character of the title.
    return pl.read_csv(CATALOGUE, separator="\t", quote_char=None).with_columns(
        pl.col("imprint", "series").fill_null("")
    )


def simulate(catalogue: pl.DataFrame, config: SimulationConfig, seed: int) -> Simulation:
    """Draw readers and their readings over `catalogue` (as `load_catalogue` returns it) from a root `seed`.

    The catalogue has editions in both languages, ``ja`` and ``en``.
    """
    truth = _plant(catalogue, config, seed)
    n_books = _draw_n_books(config, catalogue.height, seed)
    reader, edition, position = _draw_editions(catalogue, config, truth, n_books, seed)
    rng = generator(seed, "simulate/rating")
    noise = rng.normal(size=reader.size) * truth.reader_noise_sd[reader]
    points = truth.expected_rating(reader, edition) + noise
    missing = rng.random(reader.size) < config.p_rating_missing
    readings = pl.DataFrame(
        {
            "reader": np.array(truth.readers)[reader],
            "edition": np.array(truth.editions)[edition],
            "read_on": _draw_dates(n_books, seed),
            "rating": np.clip(np.rint(points), 1, 5).astype(np.int64),
            "position": position,
        }
    ).with_columns(rating=pl.when(pl.lit(pl.Series(~missing))).then("rating"))
    return Simulation(readings, truth)


def _plant(catalogue: pl.DataFrame, config: SimulationConfig, seed: int) -> Truth:
    """Draw everything about editions, communities and readers that readings are then drawn from."""
    rng = generator(seed, "simulate/planted")
    n = config.n_readers
    popularity = _draw_popularity(catalogue["fame"].to_numpy(), config, rng)
    communities, weights = _communities(catalogue, popularity, config)
    mixtures = _draw_mixtures(communities, weights, popularity, config, rng)
    return Truth(
        readers=tuple(f"u{index:06d}" for index in range(n)),
        editions=tuple(catalogue["edition"]),
        communities=tuple(communities),
        reader_community=mixtures.argmax(axis=1).astype(np.int64),
        reader_communities=mixtures,
        community_editions=weights,
        edition_popularity=popularity,
        edition_quality=rng.normal(config.quality_mean, config.quality_sd, catalogue.height),
        reader_leniency=rng.normal(0.0, config.leniency_sd, n),
        reader_noise_sd=rng.lognormal(np.log(config.noise_sd), config.noise_log_sd, n),
        reader_loyalty=rng.gamma(config.loyalty_shape, config.loyalty_mean / config.loyalty_shape, n),
        fit_gain=config.fit_gain,
    )


def _draw_popularity(fame: IntArray, config: SimulationConfig, rng: np.random.Generator) -> FloatArray:
    """(n_editions,) probabilities: Zipf-Mandelbrot in the rank of fame plus noise."""
    heard_of = fame + rng.normal(0.0, config.fame_noise_sd, fame.size)
    rank = np.empty(fame.size)
    rank[np.argsort(-heard_of)] = np.arange(fame.size)
    mass = (rank + config.zipf_offset) ** -config.zipf_exponent
    return np.asarray(mass / mass.sum())


def _communities(
    catalogue: pl.DataFrame, popularity: FloatArray, config: SimulationConfig
) -> tuple[list[str], FloatArray]:
    """Name the communities and give each its (n_communities, n_editions) probabilities of a read."""
    language, genre = catalogue["language"].to_numpy(), catalogue["genre"].to_numpy()
    imprint, form = catalogue["imprint"].to_numpy(), catalogue["format"].to_numpy()
    shelf = np.where(imprint == "", form, imprint)
    cell = np.array(["/".join(key) for key in zip(language, genre, shelf, strict=True)])
    names, counts = np.unique(cell, return_counts=True)
    large = set(names[counts >= config.min_community_editions])
    cell = np.array([name if name in large else name.rsplit("/", 1)[0] + "/*" for name in cell])
    communities = sorted(set(cell))
    weights = np.empty((len(communities), popularity.size))
    for row, name in enumerate(communities):
        first = int(np.flatnonzero(cell == name)[0])
        # Editions of the pooled small shelves are all at home in the pool; elsewhere home is one shelf.
        at_home = (cell == name) | ((shelf == shelf[first]) & (not name.endswith("/*")))
        taste = np.where(at_home, 1.0, config.shelf_spill)
        taste = taste * np.where(genre == genre[first], 1.0, config.genre_spill)
        reach = popularity * np.where(language == language[first], 1.0, config.language_spill)
        own = taste * reach
        mainstream = config.mainstream_share * reach / reach.sum()
        weights[row] = (1 - config.mainstream_share) * own / own.sum() + mainstream
    return communities, weights


def _draw_mixtures(
    communities: list[str],
    weights: FloatArray,
    popularity: FloatArray,
    config: SimulationConfig,
    rng: np.random.Generator,
) -> FloatArray:
    """(n_readers, n_communities) Dirichlet draws, zero outside the languages a reader reads."""
    # A broad, popular taste (near to overall popularity) has more readers than a narrow one.
    size = np.exp(-np.sum(weights * np.log(weights / popularity), axis=1) / 2)
    english = np.array([name.startswith("en/") for name in communities])
    p_kind = [1 - config.p_english - config.p_bilingual, config.p_english, config.p_bilingual]
    kind = rng.choice(3, size=config.n_readers, p=p_kind)
    allowed = np.stack([~english, english, np.ones_like(english)])[kind]
    alpha = np.where(allowed, size, 0.0)
    alpha *= config.concentration / alpha.sum(axis=1, keepdims=True)
    # standard_gamma(0) is 0, so that a language not read has no weight.
    mass = rng.standard_gamma(alpha)
    return np.asarray(mass / mass.sum(axis=1, keepdims=True))


def _draw_n_books(config: SimulationConfig, n_editions: int, seed: int) -> IntArray:
    """(n_readers,) books per reader."""
    rng = generator(seed, "simulate/n_books")
    log_mean = np.log(config.mean_books) - config.books_log_sd**2 / 2
    drawn = rng.lognormal(log_mean, config.books_log_sd, config.n_readers)
    return np.clip(np.rint(drawn), config.min_books, min(config.max_books, n_editions // 4)).astype(np.int64)


def _draw_editions(
    catalogue: pl.DataFrame, config: SimulationConfig, truth: Truth, n_books: IntArray, seed: int
) -> tuple[IntArray, IntArray, IntArray]:
    """Draw every reader's books; return (n_readings,) reader, edition and position, sorted by reader."""
    rng = generator(seed, "simulate/editions")
    author = _codes(catalogue, "authors", "publisher", "imprint")
    work = _codes(catalogue, "work")
    following = _following(catalogue)
    # Longest history first: those still reading are always the first rows, which slice without a copy.
    order = np.argsort(-n_books, kind="stable")
    left = truth.reader_communities[order] @ truth.community_editions
    left[:, following[following >= 0]] *= config.series_hold
    loyalty = 1 + truth.reader_loyalty[order, None]
    drawn = np.zeros((order.size, int(n_books.max())), dtype=np.int64)
    latest = np.full(order.size, -1)
    read_author = np.zeros((order.size, int(author.max()) + 1), dtype=bool)
    for step in range(drawn.shape[1]):
        k = int((n_books > step).sum())
        rows = np.arange(k)
        binge = np.where(latest[:k, None] == author, config.author_binge, 1.0)
        pick = drawn[rows, step] = _pick(binge * left[:k], rng)
        latest[:k] = author[pick]
        same_author = author[pick, None] == author
        new_author = ~read_author[rows, author[pick]]
        read_author[rows, author[pick]] = True
        left[:k] *= np.where(same_author & new_author[:, None], loyalty[:k], 1.0)
        left[:k] *= np.where((work[pick, None] == work) & ~same_author, config.other_edition, 1.0)
        goes_on = np.flatnonzero(following[pick] >= 0)
        left[goes_on, following[pick[goes_on]]] *= config.series_pull / config.series_hold
        left[rows, pick] = 0.0
    taken = np.arange(drawn.shape[1]) < n_books[:, None]
    reader, position = np.nonzero(taken)
    return reader, drawn[np.argsort(order)][taken], position


def _pick(weights: FloatArray, rng: np.random.Generator) -> IntArray:
    """(n_rows,) column drawn in each row, with probability proportional to its weight."""
    cumulative = np.cumsum(weights, axis=1)
    # Just under 1: rounding must not put the mark on the total, past the last column.
    mark = rng.random(len(weights)) * cumulative[:, -1] * (1 - 1e-12)
    return np.asarray((cumulative <= mark[:, None]).sum(axis=1))


def _codes(catalogue: pl.DataFrame, *columns: str) -> IntArray:
    """(n_editions,) number of the distinct combination of `columns` an edition has."""
    joined = catalogue.select(pl.concat_str(columns, separator="\t")).to_series().to_numpy()
    return np.unique(joined, return_inverse=True)[1].astype(np.int64)


def _following(catalogue: pl.DataFrame) -> IntArray:
    """(n_editions,) index of the next volume of the same series, -1 where there is none in the catalogue."""
    places = list(catalogue.select("series", "volume").iter_rows())
    row = {place: i for i, place in enumerate(places)}
    return np.array([row.get((s, v + 1), -1) if s else -1 for s, v in places], dtype=np.int64)


def _draw_dates(n_books: IntArray, seed: int) -> pl.Series:
    """(n_readings,) dates in the order of readers and positions."""
    rng = generator(seed, "simulate/dates")
    total = int(n_books.sum())
    start = np.concatenate([[0], np.cumsum(n_books)[:-1]])
    mean = np.where(rng.random(total) < P_BURST, BURST_GAP_DAYS, PAUSE_GAP_DAYS)
    gap = rng.exponential(mean)
    gap[start] = 0.0
    elapsed = np.cumsum(gap)
    elapsed -= np.repeat(elapsed[start], n_books)
    span = np.maximum.reduceat(elapsed, start)
    # A history longer than the calendar is squeezed into it; the first book leaves room for the rest.
    squeeze = np.minimum(1.0, (N_DAYS - 1) / np.maximum(span, 1.0))
    first = rng.random(n_books.size) * (N_DAYS - 1 - span * squeeze)
    day = np.floor(np.repeat(first, n_books) + elapsed * np.repeat(squeeze, n_books)).astype(np.int64)
    return pl.Series(np.datetime64(FIRST_DAY) + np.minimum(day, N_DAYS - 1))
