"""ProdLDA: the contract, planted topics, and every formula beside its closed form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyro
import pytest
import scipy.sparse as sp
import torch
from pyro import poutine
from scipy.optimize import linear_sum_assignment
from torch.nn import functional

from data.errors import BadConfig, NoDevice
from models.base import Run
from models.csr_rows import CsrRows
from models.logistic_normal import laplace_approximation
from models.prodlda import ProdLda
from models.prodlda_config import ProdLdaConfig
from models.prodlda_fit import whitened_directions
from models.prodlda_inputs import inverse_frequencies, weighted
from models.prodlda_network import Data, Encoder, ProdLdaNetwork, log_p_mixture, log_p_product, normalised
from tests.models.contract import EncoderContract
from tests.models.corpora import corpus_of, shown, tastes

SMALL = ProdLdaConfig(
    n_topics=3, alpha=0.4, input_size=7, hidden_size=9, epochs=3, batch_size=16, decoder_norm=0.4, reader_exponent=0.25
)


class TestContract(EncoderContract):
    model = ProdLda
    config = SMALL


class TestContractOfTheMixture(EncoderContract):
    model = ProdLda
    config = ProdLdaConfig(n_topics=4, decoder="nvlda", input_size=5, epochs=2, batch_size=32, input_dropout=0.0)


def planted(n_readers: int = 600, n_topics: int = 4, n_books: int = 80) -> tuple[sp.csr_matrix, np.ndarray]:
    """Return LDA's own documents, csr counts, and the topics they were drawn from, (n_topics, n_books)."""
    random = np.random.default_rng(4)
    topics = random.dirichlet(np.full(n_books, 0.1), n_topics)
    mixtures = random.dirichlet(np.full(n_topics, 0.1), n_readers)
    sizes = random.poisson(40, n_readers) + 5
    counts = np.stack([random.multinomial(size, theta @ topics) for size, theta in zip(sizes, mixtures, strict=True)])
    return sp.csr_matrix(counts, dtype=np.float32), topics


@pytest.mark.parametrize("decoder", ["prodlda", "nvlda"])
def test_planted_topics_are_recovered(decoder: str) -> None:
    counts, topics = planted()
    config = ProdLdaConfig(n_topics=4, alpha=0.1, decoder=decoder, input_size=20, epochs=20, batch_size=64)
    found = ProdLda.fit_counts(counts, config, Run(1)).topics()
    cosines = _unit(found) @ _unit(topics).T
    pairs = linear_sum_assignment(-cosines)
    assert cosines[pairs].min() >= 0.85


def _unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


@pytest.fixture(scope="module")
def small() -> tuple[sp.csr_matrix, ProdLdaNetwork]:
    """Readings, and networks trained on them but for their dropout."""
    return networks(replace(SMALL, input_dropout=0.0))


def networks(config: ProdLdaConfig) -> tuple[sp.csr_matrix, ProdLdaNetwork]:
    counts = tastes(seed=1).counts
    inputs = weighted(counts, inverse_frequencies(counts))
    cpu = torch.device("cpu")
    n_readings = torch.tensor(np.asarray(counts.sum(axis=1), np.float32).reshape(-1))
    weight = torch.linspace(0.5, 1.5, counts.shape[0])
    data = Data(CsrRows.of(counts, cpu), CsrRows.of(inputs, cpu), n_readings, weight)
    torch.manual_seed(0)
    prior = laplace_approximation(np.full(config.n_topics, config.alpha))
    encoder = Encoder(whitened_directions(inputs, config.input_size, 0), config.hidden_size, prior)
    n_books = counts.shape[1]
    beta = np.random.default_rng(0).normal(size=(config.n_topics, n_books))
    return counts, ProdLdaNetwork(encoder, beta, np.linspace(-5, -1, n_books), config, data)


def random_batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, sp.csr_matrix]:
    """Return theta (6, 3), beta (3, 24), background (24,) in float64, and counts (6, 24) with an empty row."""
    random = np.random.default_rng(0)
    theta, beta, background = random.dirichlet(np.ones(3), 6), random.normal(size=(3, 24)), random.normal(size=24)
    counts = sp.csr_matrix(random.poisson(0.4, (6, 24)) * (np.arange(6) != 2)[:, None], dtype=np.float32)
    arrays = (torch.tensor(array, requires_grad=True) for array in (theta, beta, background))
    return (*arrays, counts)  # type: ignore[return-value]  # a generator of three


@pytest.mark.parametrize("log_p", [log_p_product, log_p_mixture])
def test_the_sparse_likelihood_and_its_gradient_are_the_dense_ones(log_p: object) -> None:
    theta, beta, background, counts = random_batch()
    batch = CsrRows.of(counts, torch.device("cpu"))[torch.arange(6)]
    found = torch.zeros(6, dtype=torch.float64).index_add(
        0,
        batch.row,
        batch.value.double() * log_p(theta, beta, background, batch),  # type: ignore[operator]  # a function
    )
    if log_p is log_p_product:
        dense = functional.log_softmax(theta @ beta + background, dim=1)
    else:
        dense = torch.log(theta @ functional.softmax(beta + background, dim=1))
    expected = (torch.tensor(counts.toarray()).double() * dense).sum(dim=1)
    torch.testing.assert_close(found, expected)
    upstream = torch.linspace(-1, 2, 6, dtype=torch.float64)
    of_found = torch.autograd.grad((found * upstream).sum(), (theta, beta, background))
    of_expected = torch.autograd.grad((expected * upstream).sum(), (theta, beta, background))
    for one, other in zip(of_found, of_expected, strict=True):
        torch.testing.assert_close(one, other)


def test_the_decoders_batch_norm_is_that_of_the_dense_logits() -> None:
    theta, beta, _, _ = random_batch()
    bias = torch.linspace(-1, 1, 24, dtype=torch.float64)
    scaled, offset = normalised(theta, beta, bias, 1.0)
    norm = torch.nn.BatchNorm1d(24, eps=1e-3).double()
    norm.bias.data.copy_(bias)
    torch.testing.assert_close(theta @ scaled + offset, norm(theta @ beta))
    scaled, offset = normalised(theta, beta, bias, 0.25)
    torch.testing.assert_close(theta @ scaled + offset, 0.25 * norm(theta @ beta) + 0.75 * (theta @ beta))
    plain, nothing = normalised(theta, beta, bias, 0.0)
    torch.testing.assert_close(plain, beta)
    assert not nothing.any()


def test_the_loss_is_the_closed_form(small: tuple[sp.csr_matrix, ProdLdaNetwork]) -> None:
    counts, network = small
    network.eval()
    network.beta.data += 1.5  # away from the mean of its prior
    rows, done, n_readers = torch.arange(3, 13), 0.8, counts.shape[0]
    with torch.no_grad():
        torch.manual_seed(1)
        found = network.loss(rows, done).item()
        torch.manual_seed(1)
        z = torch.as_tensor(poutine.trace(network.guide).get_trace(rows, done).nodes["z"]["value"])
        mean, variance = network.encode(rows)
        mean_0, variance_0 = network.encoder.prior_mean, network.encoder.prior_variance
        kl = 0.5 * ((variance + (mean - mean_0) ** 2) / variance_0 - 1 + torch.log(variance_0 / variance)).sum(dim=1)
        log_p = functional.log_softmax(torch.softmax(z, dim=1) @ network.beta + network.background, dim=1)
        readings = (torch.tensor(counts[3:13].toarray()) * log_p).sum(dim=1) * network._data.weight[rows]
        prior = -0.5 * (1.5 / network._config.prior_sd) ** 2 * network.beta.numel()
    assert found == pytest.approx((-(readings - kl).sum() * n_readers / 10 - prior).item(), rel=1e-5)
    network.beta.data -= 1.5


def test_the_divergence_is_warmed_up(small: tuple[sp.csr_matrix, ProdLdaNetwork]) -> None:
    _, network = small
    scales = []
    for done in (0.0, 0.15, 0.3, 0.9):
        trace = poutine.trace(network.guide).get_trace(torch.arange(4), done)
        scales.append(float(trace.nodes["z"]["scale"]) / 10)  # of 40 readers, 4
    np.testing.assert_allclose(scales, [1e-4 / 0.3, 0.5, 1, 1], rtol=1e-5)


def test_what_is_asked_in_numpy_is_what_was_trained_in_torch() -> None:
    from models.prodlda_fit import _encoder_arrays

    counts, network = networks(replace(SMALL, input_dropout=0.0, decoder_norm=0.0))
    network.train()
    for start in range(0, 40, 10):  # so that the batch norms have seen something
        network.loss(torch.arange(start, start + 10), 0.5)
    network.eval()
    idf = inverse_frequencies(counts)
    known = {"beta": network.beta.detach().numpy(), "background": network.background.numpy(), "idf": idf}
    arrays = {**known, "projection": network.encoder.projection.numpy(), **_encoder_arrays(network.encoder)}
    model = ProdLda(network._config, arrays)
    with torch.no_grad():
        expected = network.encode(torch.arange(40))
    for found, of_torch in zip(model._encode(counts), expected, strict=True):
        np.testing.assert_allclose(found, of_torch.numpy(), rtol=2e-5, atol=2e-6)


def test_the_sparse_encoder_is_the_dense_one() -> None:
    counts, network = networks(replace(SMALL, input_dropout=0.0))
    encoder = network.eval().encoder
    inputs = weighted(counts, inverse_frequencies(counts))
    with torch.no_grad():
        topics = torch.softmax(network.beta + network.background, dim=1)
        dealt = dealt_densely(torch.tensor(counts.toarray()), topics, SMALL.alpha)
        seen = torch.cat([torch.tensor(inputs.toarray()) @ encoder.projection, dealt], dim=1)
        hidden = functional.softplus(encoder.second(functional.softplus(encoder.first(seen))))
        centre = encoder.prior_mean + encoder.centre_norm(dealt + encoder.centre(hidden))
        precision = 7 * torch.exp(encoder.precision_norm(encoder.log_precision(hidden)))  # all read 7 books
        variance = 1 / (1 / encoder.prior_variance + precision)
        found = network.encode(torch.arange(40))
    torch.testing.assert_close(found[1], variance)
    torch.testing.assert_close(found[0], variance * (encoder.prior_mean / encoder.prior_variance + precision * centre))


def dealt_densely(counts: torch.Tensor, topics: torch.Tensor, alpha: float) -> torch.Tensor:
    """Return five steps of EM for the mixtures, over an array (n_rows, n_topics, n_books)."""
    theta = torch.full((len(counts), len(topics)), 1 / len(topics))
    for _ in range(5):
        joint = theta[:, :, None] * topics
        theta = (joint / joint.sum(dim=1, keepdim=True) * counts[:, None]).sum(dim=2) + alpha
        theta /= theta.sum(dim=1, keepdim=True)
    return theta.log() - theta.log().mean(dim=1, keepdim=True)


@pytest.fixture(scope="module")
def fitted() -> ProdLda:
    return ProdLda.fit(tastes(seed=1), replace(SMALL, epochs=20), Run(3))


def test_a_reader_of_more_books_is_known_more_narrowly(fitted: ProdLda) -> None:
    few, many = shown([[0, 1]], 24), shown([[0, 1]], 24) * 50
    assert (fitted._encode(many)[1] < fitted._encode(few)[1]).all()
    assert (fitted.reader_topics(many).sd < fitted.reader_topics(few).sd).all()


def test_of_a_reader_without_books_the_prior_is_known(fitted: ProdLda) -> None:
    mean, variance = fitted._encode(shown([[]], 24))
    np.testing.assert_allclose(mean[0], 0, atol=1e-7)
    np.testing.assert_allclose(variance[0], 1 / 0.4 * (1 - 2 / 3) + 3 / 0.4 / 9, rtol=1e-6)
    np.testing.assert_allclose(fitted.reader_topics(shown([[]], 24)).mean[0], 1 / 3, rtol=1e-6)


def test_mixtures_topics_shares_profiles_and_predictions_are_distributions(fitted: ProdLda) -> None:
    counts = tastes(seed=1).counts
    rows = fitted.reader_topics(counts).mean, fitted.topics(), fitted.topic_shares()[None], fitted.predict(counts)
    for distributions in (*rows, fitted.profiles()[:-1]):
        assert distributions.dtype == np.float32
        np.testing.assert_allclose(distributions.sum(axis=1), 1, rtol=1e-5)
        assert (distributions >= 0).all()
    assert not fitted.profiles()[-1].any()  # nobody read the last book
    assert not fitted.is_read()[-1]


def test_books_are_listed_by_the_term_score_and_few_readers_are_believed_less(fitted: ProdLda) -> None:
    arrays, n_topics, n_readers = fitted.arrays(), 3, 40
    trust = arrays["n_readers"] / (arrays["n_readers"] + 2.5 * n_readers / n_topics**2)
    logits = fitted.beta * trust + fitted.background
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(fitted.typical(), p * np.log(p / p.mean(axis=0)), rtol=1e-3, atol=1e-6)


def test_entries_hidden_from_the_encoder_are_made_up_for() -> None:
    batch = CsrRows.of(sp.csr_matrix(np.array([[1, 2, 0], [0, 3, 4]], np.float32)), torch.device("cpu"))[
        torch.tensor([1, 0])
    ]
    thinned = batch.thinned(torch.tensor([True, False, False, True]), 0.5)
    assert thinned.row.tolist() == [0, 1]
    assert thinned.column.tolist() == [1, 1]
    assert thinned.value.tolist() == [6, 4]


def test_a_fit_leaves_global_randomness_and_pyros_store_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    ProdLda.fit(tastes(seed=1), SMALL, Run(3))
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)
    assert not dict(pyro.get_param_store())


def test_absent_cuda_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(NoDevice, match="cuda was asked for"):
        ProdLda.fit(tastes(seed=1), SMALL, Run(3, device="cuda"))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_and_cpu_agree() -> None:
    counts, topics = planted()
    config = ProdLdaConfig(n_topics=4, alpha=0.1, input_size=20, epochs=60, batch_size=64)
    on = [_unit(ProdLda.fit_counts(counts, config, Run(1, device=device)).topics()) for device in ("cpu", "cuda")]
    for found in on:
        cosines = found @ _unit(topics).T
        assert cosines[linear_sum_assignment(-cosines)].min() >= 0.85
    cosines = on[0] @ on[1].T
    assert cosines[linear_sum_assignment(-cosines)].min() >= 0.98


def test_books_in_every_history_say_nothing_and_harm_nothing() -> None:
    corpus = corpus_of([[0, 1 + i % 3] for i in range(12)], 5)
    model = ProdLda.fit(corpus, replace(SMALL, epochs=2), Run())
    assert np.isfinite(model.predict(corpus.counts)).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("decoder", "lda"),
        ("n_topics", 1),
        ("input_size", 0),
        ("hidden_size", 0),
        ("epochs", 0),
        ("batch_size", 1),
        ("alpha", 0.0),
        ("alpha", float("nan")),
        ("prior_sd", -1.0),
        ("doubt", 0.0),
        ("learning_rate", float("inf")),
        ("momentum", 1.0),
        ("dropout", 1.0),
        ("input_dropout", -0.1),
        ("decoder_norm", 1.0),
        ("kl_warmup", 1.1),
        ("reader_exponent", -0.1),
    ],
)
def test_impossible_settings_are_refused(name: str, value: object) -> None:
    with pytest.raises(BadConfig, match=rf"prodlda\.{name}"):
        ProdLdaConfig(**{name: value})  # type: ignore[arg-type]  # a wrong value is the point


def test_the_mixture_has_no_batch_norm_to_anneal() -> None:
    with pytest.raises(BadConfig, match=r"prodlda\.decoder_norm"):
        ProdLdaConfig(decoder="nvlda", decoder_norm=0.5)
