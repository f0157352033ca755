"""What is told of a machine: samples have its distribution, units tell the books they stand for."""

from __future__ import annotations

import numpy as np
import torch

from models.dbm import Dbm
from models.dbm_config import DbmConfig
from models.dbm_exact import exact_expectations
from models.dbm_machine import Machine
from models.dbm_portrait import hidden_units, samples, typical_readers
from models.dbm_units import Units
from tests.models.machines import machine_of


def model_of(machine: Machine, books: list[int]) -> Dbm:
    config = DbmConfig(hidden_sizes=machine.sizes[1:], n_visible=len(books))
    return Dbm(config, Units(config, np.array(books), max(books) + 1), machine)


def test_samples_have_the_means_of_the_machine() -> None:
    machine = machine_of((5, 4, 3), 1, sd=0.7)
    drawn = samples(machine, 4000, seed=0)
    expected = exact_expectations(machine)
    for layer, means in zip(drawn.layers, expected.biases, strict=True):
        assert set(np.unique(layer)) <= {0, 1}
        np.testing.assert_allclose(layer.mean(axis=0), means, atol=5 * 0.5 / 4000**0.5)
    p = 1 / (1 + np.exp(-drawn.field))  # of the visible units, given the hidden ones that were drawn with them
    np.testing.assert_allclose(p.mean(axis=0), expected.biases[0], atol=5 * 0.5 / 4000**0.5)
    read = drawn.layers[0] > 0
    assert p[read].mean() > p[~read].mean() + 0.1


def test_a_typical_reader_has_its_likeliest_books_first() -> None:
    machine = machine_of((5, 4, 3), 1)
    model = model_of(machine, [2, 3, 5, 7, 11])
    drawn = samples(machine, 50, seed=0)
    found = typical_readers(model, drawn)
    assert len(found) == 50
    for rows, units, field in zip(found, drawn.layers[0], drawn.field, strict=True):
        assert sorted(rows) == [model.units.books[i] for i in np.flatnonzero(units)]
        of = dict(zip(model.units.books.tolist(), field.tolist(), strict=True))
        assert [of[row] for row in rows.tolist()] == sorted((of[row] for row in rows.tolist()), reverse=True)


def test_units_are_told_by_the_books_they_make_likely() -> None:
    """Unit 1 of layer 1 stands for the first three books, unit 2 for the others; unit 3 is never on.

    The unit of layer 2 switches unit 2 on, and so the same books.
    """
    lower = torch.tensor([[3.0, 0, 9], [2, 0, 9], [1, 0, 9], [0, 2, 9], [0, 4, 9]])
    upper = torch.tensor([[-1.0], [2.0], [0.0]])
    machine = Machine((lower, upper), (torch.full((5,), -2.0), torch.tensor([-1.0, -1.0, -60.0]), torch.tensor([0.0])))
    model = model_of(machine, [1, 2, 4, 6, 8])
    found = hidden_units(model, samples(machine, 300, seed=0), n_units=2, n_books=2)
    told = {(unit.layer, unit.number): (unit.books.tolist(), unit.weights.tolist()) for unit in found}
    assert told == {(1, 1): ([1, 2], [3, 2]), (1, 2): ([8, 6], [4, 2]), (2, 1): ([8, 6], [8, 4])}
    assert all(0.05 < unit.p_speaks < 0.95 and unit.speaks_on for unit in found)


def test_a_unit_that_forbids_books_speaks_for_them_when_it_is_off() -> None:
    machine = Machine((torch.tensor([[-3.0], [-2.0], [0.5]]),), (torch.zeros(3), torch.tensor([1.0])))
    model, drawn = model_of(machine, [1, 2, 4]), samples(machine, 300, seed=0)
    (found,) = hidden_units(model, drawn, n_units=1, n_books=2)
    assert not found.speaks_on
    assert (found.books.tolist(), found.weights.tolist()) == ([1, 2], [3, 2])
    assert found.p_speaks == 1 - drawn.layers[1].mean()
