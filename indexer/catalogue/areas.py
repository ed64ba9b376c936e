"""The areas of a catalogue that have a module of their own, over one engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from indexer.catalogue.briefs import Briefs
from indexer.catalogue.cue_plans import CuePlans
from indexer.catalogue.generations import Generations
from indexer.catalogue.job_census import job_seconds
from indexer.catalogue.jobs import Jobs
from indexer.catalogue.keys import Keys
from indexer.catalogue.listing import Listing
from indexer.catalogue.opinions import Opinions
from indexer.catalogue.recordings import Recordings
from indexer.catalogue.scans import Scans

if TYPE_CHECKING:
    from sqlalchemy import Engine


class Areas:
    """What a catalogue holds beside its tracks.

    Args:
        engine: From `open_database`; shared by all areas.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def scans(self) -> Scans:
        """The runs over the library."""
        return Scans(self._engine)

    @property
    def jobs(self) -> Jobs:
        """Long tasks of the service."""
        return Jobs(self._engine)

    def job_seconds(self) -> dict[str, tuple[int, float]]:
        """What jobs took: kind -> how many are done, and their seconds together."""
        return job_seconds(self._engine)

    @property
    def generations(self) -> Generations:
        """Music that was generated."""
        return Generations(self._engine)

    @property
    def opinions(self) -> Opinions:
        """What people said about the tracks."""
        return Opinions(self._engine)

    @property
    def keys(self) -> Keys:
        """Who may use the service."""
        return Keys(self._engine)

    @property
    def briefs(self) -> Briefs:
        """What was asked, and what the answers were."""
        return Briefs(self._engine)

    @property
    def cue_plans(self) -> CuePlans:
        """Music for whole videos."""
        return CuePlans(self._engine)

    @property
    def listing(self) -> Listing:
        """The tracks page by page."""
        return Listing(self._engine)

    @property
    def recordings(self) -> Recordings:
        """Which tracks are files of one recording."""
        return Recordings(self._engine)
