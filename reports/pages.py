"""Which function writes which page of a release."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from data.release import Release
from data.store import Store
from reports.boltzmann import boltzmann_report
from reports.similarity import similarity_report
from reports.topics import topics_report
from reports.uncertainty import uncertainty_report

WRITERS: dict[str, Callable[[Store, Release], Path]] = {  # the pages of `pipeline.rollback.PAGES`
    "similarity": similarity_report,
    "topics": topics_report,
    "uncertainty": uncertainty_report,
    "boltzmann": boltzmann_report,
}
