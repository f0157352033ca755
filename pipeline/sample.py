"""The bundled sample as files a book service would hand over, dirt included."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from data.digest import digest_of
from data.errors import WagahaiError
from data.planted import SimulationConfig
from data.progress import Progress
from data.sample_files import write_sample
from data.simulate import load_catalogue, simulate
from data.store import Store
from pipeline.config import SampleConfig

FORMAT = 1


def make_sample(store: Store, config: SampleConfig, seed: int, progress: Progress) -> Path:
    """Return the folder of the sample (readings, books, mapping, ground truth), made if it is not there.

    It lies in the store as an artifact, so that the same settings and seed give the same files.
    """
    simulation = SimulationConfig(n_readers=config.n_readers)
    catalogue = load_catalogue()
    digest = _digest(config, seed)

    def make(folder: Path) -> None:
        progress.start("simulate readers", 1)
        simulated = simulate(catalogue, simulation, seed)
        write_sample(folder, simulated, catalogue, seed)
        progress.finish(f"{config.n_readers:,} readers, {len(catalogue):,} books, {len(simulated.readings):,} readings")

    return store.get_or_make("sample", digest, make)[0]


def refuse_other_sample(store: Store, config: SampleConfig, seed: int) -> None:
    """Refuse a second, different simulation in one store: its readers have the names of the first one's.

    Raises
    ------
    WagahaiError
        If the store holds a sample of other settings or another seed.
    """
    here = store.artifact("sample", _digest(config, seed))
    if others := [folder for folder in here.parent.glob("[0-9a-f]*") if folder != here]:
        raise WagahaiError(
            f"{store.root} holds another simulated sample ({others[0].name}); two would mix in one history. "
            "Name another store: wagahai --store FOLDER refresh --sample"
        )


def _digest(config: SampleConfig, seed: int) -> str:
    simulation = SimulationConfig(n_readers=config.n_readers)
    return digest_of([FORMAT, asdict(simulation), seed, load_catalogue().write_csv()])
