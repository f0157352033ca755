"""What the figures of a release's Boltzmann machine come to, in sentences; each is worked out from ``boltzmann.json``.

Which differences are more than chance, and the error of log Z in them, is `pipeline.boltzmann_verdict`'s to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.boltzmann_verdict import RECALL, Row, gain_over, likelier, row_of, sign
from pipeline.judge_boltzmann import DEEP, LIKELIHOOD, POPULARITY, RESTRICTED, YARDSTICKS
from reports.document import decimal, percent
from reports.quality import YARDSTICKS as YARDSTICK_NAMES

NAMES = {POPULARITY: "bestsellers", **YARDSTICK_NAMES, DEEP: "the machine", RESTRICTED: "one hidden layer"}
ESTIMATORS = {
    "pcd": "persistent contrastive divergence",
    "cd": "contrastive divergence",
    "local_mode": "local modes, as the released code of Taniguchi et al. 2023 does",
    "coupled_mh": "coupled Metropolis chains",
    "coupled_gibbs": "coupled Gibbs chains",
    "coupled_chains": "coupled Gibbs chains that go on from step to step",
}
# What `models.dbm_meetings` asks of a machine: its coupled Gibbs chains are not those of the estimator of that name.
COUPLINGS = {**ESTIMATORS, "coupled_gibbs": "coupled Gibbs chains, lag 1, unit by unit"}
_BOUNDS = {
    "effective_samples": (
        "An annealed log Z is too low on average, most so where chains are worth little, and a low log Z makes "
        "likelihoods too high."
    ),
    "effective_samples_of_row": (
        "An annealed sum over a reader’s hidden units is too low on average too, and makes likelihoods too low."
    ),
}
FEW = 10.0  # effective samples, below which a standard error says nothing either


def likelihood_sentence(found: Row) -> str:
    """Whether readers are likelier than if books had nothing to do with one another."""
    gain, row = gain_over(found, DEEP, POPULARITY), row_of(found["rows"], DEEP, LIKELIHOOD)
    alone = row_of(found["rows"], POPULARITY, LIKELIHOOD)
    if gain is None or row is None or alone is None:
        return "How likely it makes what readers have read was not measured."
    nats = " against ".join(decimal(of["mean"], 1) for of in (row, alone))
    return (
        f"The machine makes what a reader has read {likelier(gain)} ({interval(gain, 1)}): {nats} nats a reader, over "
        f"{row['n_readers']:,} held-out readers and the {found['n_books']:,} most read books."
    )


def recall_sentence(found: Row) -> str:
    """How many hidden books it finds, beside every yardstick and the machine of one hidden layer."""
    row = row_of(found["rows"], DEEP, RECALL)
    if row is None:
        return "How many hidden books it finds was not measured."
    others = [name for name in (*YARDSTICKS, RESTRICTED) if name in row["over"]]
    grouped = {at: [name for name in others if sign(row["over"][name]) == at] for at in (1, 0, -1)}
    words = {1: "more than", 0: "as many, within chance, as", -1: "fewer than"}
    parts = [
        f"{words[at]} {listed(_with_share(found, name) for name in names)}" for at, names in grouped.items() if names
    ]
    return f"Of hidden books it finds {percent(row['mean'])} among the 20 it names first: {'; '.join(parts)}."


def _with_share(found: Row, name: str) -> str:
    row = row_of(found["rows"], name, RECALL)
    return NAMES[name] + (f" ({percent(row['mean'])})" if row else "")


def layers_sentence(found: Row) -> str:
    """Whether more hidden layers than one help, by either measure; empty for a machine of one."""
    row, gain = row_of(found["rows"], DEEP, RECALL), gain_over(found, DEEP, RESTRICTED)
    if gain is None or row is None or RESTRICTED not in row["over"]:
        return ""
    points = tuple(100 * value for value in row["over"][RESTRICTED])
    signs = {sign(gain), sign(points)}
    said = "help" if signs <= {1, 0} and 1 in signs else "harm" if signs <= {-1, 0} and -1 in signs else ""
    if signs == {0}:
        said = "make no difference beyond chance"
    start = (
        f"Hidden layers above the first {said}" if said else "Hidden layers above the first help by one measure only"
    )
    return (
        f"{start}: {decimal(gain[0], 2, sign=True)} nats a reader ({interval(gain, 2)}) and "
        f"{decimal(points[0], 1, sign=True)} points of Recall@20 ({interval(points, 1)}) beside the same machine with "
        "one hidden layer."
    )


def sampling_sentence(found: Row) -> str:
    """What the likelihoods rest on: effective sample sizes, or that they are exact."""
    parts = [_sampled(NAMES[name], of) for name, of in found["sampling"].items()]
    few = [NAMES[name] for name, of in found["sampling"].items() if is_few(of)]
    warning = f" That is few for {listed(few)}: its standard error says little." if few else ""
    bounds = [said for name, said in _BOUNDS.items() if any(of[name] is not None for of in found["sampling"].values())]
    return " ".join([f"What these likelihoods rest on: {'; '.join(parts)}.{warning}", *bounds])


def is_few(sampling: Row) -> bool:
    """Say whether an estimate rests on too few effective samples to be relied on."""
    sizes = (sampling["effective_samples"], sampling["effective_samples_of_row"])
    return any(size is not None and size < FEW for size in sizes)


def _sampled(name: str, of: Row) -> str:
    if of["effective_samples"] is None:
        of_z = f"log Z of {name} is exact, by enumeration"
    else:
        of_z = (
            f"log Z of {name} on {of['n_samples']:,} annealed chains worth {decimal(of['effective_samples'], 0)} "
            f"(standard error {decimal(of['log_z_error'], 3)} nats)"
        )
    of_row = of["effective_samples_of_row"]
    return of_z if of_row is None else f"{of_z}, each reader’s hidden units on chains worth {decimal(of_row, 0)}"


def correction_sentence(portrait: Row) -> str:
    """Whether anything was corrected in training; where nothing was, what that means."""
    estimator = portrait["course"]["estimator"]
    said = f"It is learned by {ESTIMATORS[estimator]}"
    if not estimator.startswith("coupled"):
        return f"{said}: no correction occurs in it, and gradients are as biased as its chains lag behind."
    epochs = portrait["course"]["meetings"]
    n_pairs, n_corrected, n_truncated = (
        sum(epoch[name] for epoch in epochs) for name in ("n_pairs", "n_corrected", "n_truncated")
    )
    if not n_pairs:
        return f"{said}; how they met was not kept."
    if not n_corrected:
        return (
            f"{said}, and no correction occurred in any of {n_pairs:,} pairs of chains: the estimator was no better "
            "than its biased start."
        )
    given_up = f"; {n_truncated:,} were given up before they met, each of which may be biased" if n_truncated else ""
    return f"{said}: {percent(n_corrected / n_pairs)} of {n_pairs:,} pairs corrected something{given_up}."


def meeting_sentence(name: str, met: Row) -> str:
    """What pairs of one coupling did on the finished machine."""
    n_pairs, n_corrected, n_truncated = (met[key] for key in ("n_pairs", "n_corrected", "n_truncated"))
    called = COUPLINGS[name][0].upper() + COUPLINGS[name][1:]
    if not n_pairs:
        return f"{called}: nothing to couple, as the machine has no hidden layer."
    if name == "local_mode":
        return (
            f"{called}: one chain to its first refused proposal, after {decimal(met['mean_tau'], 1)} proposals on "
            "average. Nothing is coupled, so nothing can be corrected."
        )
    if not n_corrected:
        return (
            f"{called}: no correction occurred in any of {n_pairs:,} pairs. The estimator is no better than its biased "
            "start."
        )
    given_up = f", {n_truncated:,} did not meet in {max(met['tau']) - 1:,} steps" if n_truncated else ""
    return (
        f"{called}: {percent(n_corrected / n_pairs)} of {n_pairs:,} pairs correct something; half of all have met by "
        f"step {decimal(met['median_tau'], 0)}{given_up}."
    )


def interval(gain: Sequence[float], digits: int) -> str:
    """Return an interval in words."""
    return " to ".join(decimal(end, digits, sign=True) for end in gain[1:])


def listed(words: Any) -> str:
    """Return words as people list them."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
