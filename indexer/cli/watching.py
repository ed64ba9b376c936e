"""A video of this machine, watched and described; kept beside the plan, so that it is done once."""

from __future__ import annotations

from hashlib import file_digest, sha256
from threading import Event
from typing import TYPE_CHECKING, Final

import msgspec

from indexer.spotting import desk
from musiscene.video.analysis import VideoAnalysis
from musiscene.video.limits import VideoLimits

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from indexer.spotting.cue_plan import CuePlan
    from musiscene.cli.captioner_options import ChosenCaptioner
    from musiscene.console import Console
    from musiscene.video.captions.given import TimedCaption

FILE_NAME: Final = "analysis.json"
VERSION: Final = 1
"""Of what is measured; an analysis of another one is made anew."""
STEPS: Final = 100


class KeptAnalysis(msgspec.Struct, frozen=True, kw_only=True):
    """An analysis in a file."""

    version: int
    sha256: str
    """Of the video."""
    captioned_by: str | None
    """What wrote the captions, and from what; None where there are none yet."""
    analysis: VideoAnalysis


class Watching:
    """Watches and describes one video.

    Args:
        console: Shows how it goes on.
        video: The file.
        folder: Where the analysis is kept; None for nowhere.
    """

    def __init__(
        self,
        console: Console,
        video: Path,
        folder: Path | None,
    ) -> None:
        self._console = console
        self._video = video
        self._file = None if folder is None else folder / FILE_NAME
        self._limits = VideoLimits()
        self._stop = Event()

    def analysis(
        self, captioner: ChosenCaptioner, old: CuePlan | None = None
    ) -> tuple[VideoAnalysis, Sequence[TimedCaption]]:
        """The video, with captions for every scene.

        Args:
            captioner: Says what its scenes show.
            old: The plan of the video's version before, whose captions are kept.

        Returns:
            The analysis, and the user's captions.

        Raises:
            VideoError: If the video cannot be watched.
            CaptionFileError: If the captions cannot be read.
            CaptionerError: If the captioner fails.
        """
        kept, captions = self._watched(), captioner.captions
        given = captioner.given(kept.analysis.info, self._console)
        loaded = captioner.load(self._console)
        by = f"{loaded.name} {_digest_of(captions)}"
        if old is not None:
            by += f" after {sha256(msgspec.json.encode(old)).hexdigest()}"
        if kept.captioned_by == by:
            return kept.analysis, given
        bare = _without_captions(kept.analysis)
        with self._console.progress("%") as report:
            described = desk.describe(
                bare,
                self._video,
                loaded,
                given,
                given_by=captions.name if captions else "captions",
                old=old,
                limits=self._limits,
                progress=lambda stage, share: report(stage, round(share * STEPS), STEPS),
                stop=self._stop,
            )
        self._keep(msgspec.structs.replace(kept, captioned_by=by, analysis=described))
        return described, given

    def _watched(self) -> KeptAnalysis:
        digest = _digest_of(self._video)
        kept = self._kept()
        if kept is not None and (kept.version, kept.sha256) == (VERSION, digest):
            return kept
        with self._console.progress("%") as report:
            analysis = desk.watch(
                self._video,
                limits=self._limits,
                progress=lambda stage, share: report(stage, round(share * STEPS), STEPS),
                stop=self._stop,
            )
        fresh = KeptAnalysis(version=VERSION, sha256=digest, captioned_by=None, analysis=analysis)
        self._keep(fresh)
        return fresh

    def _kept(self) -> KeptAnalysis | None:
        if self._file is None or not self._file.exists():
            return None
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=KeptAnalysis)
        except (OSError, msgspec.DecodeError):
            return None  # of another version, or cut short by hand: it is made anew

    def _keep(self, kept: KeptAnalysis) -> None:
        if self._file is not None:
            from musiscene.data.rows import write_whole

            write_whole(self._file, [msgspec.json.encode(kept)])


def _without_captions(analysis: VideoAnalysis) -> VideoAnalysis:
    scenes = tuple(
        msgspec.structs.replace(scene, captions=(), no_music=False) for scene in analysis.scenes
    )
    return msgspec.structs.replace(analysis, scenes=scenes)


def _digest_of(path: Path | None) -> str:
    """SHA-256 of a file; of nothing for None, or for a file that whoever reads it will refuse."""
    try:
        if path is not None:
            with path.open("rb") as file:
                return file_digest(file, "sha256").hexdigest()
    except OSError:
        pass
    return sha256().hexdigest()
