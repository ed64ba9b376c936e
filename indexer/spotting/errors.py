"""What can be wrong with a plan of cues.

SpottingError                 a plan of cues cannot be made, kept or used; indexer/errors.py
├── CueNotFoundError          the plan has no cue of this name
├── CueEditError              a cue cannot be changed so
├── PlanUnfinishedError       there is no plan yet
└── ExportError               a plan cannot be written in a format
"""

from __future__ import annotations

from indexer.errors import SpottingError


class CueNotFoundError(SpottingError):
    """The plan has no cue of this name."""

    def __init__(self, cue: str) -> None:
        super().__init__(f"the plan has no cue {cue!r}")


class CueEditError(SpottingError):
    """A cue cannot be changed so."""


class PlanUnfinishedError(SpottingError):
    """There is no plan yet, or there will be none."""

    def __init__(self) -> None:
        super().__init__("there is no plan yet; wait until its job is done")


class ExportError(SpottingError):
    """A plan cannot be written in a format."""
