"""Which pieces are made, which real tracks serve for what, and what is heard of all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
import numpy as np

from musiscene.evaluation.background_music.captions import KINDS
from musiscene.evaluation.background_music.ear import Excerpt
from musiscene.evaluation.background_music.judge import System
from musiscene.evaluation.background_music.music import Job
from musiscene.evaluation.background_music.prompting import LONG, Form, prompt_for
from musiscene.evaluation.systems import other_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from musiscene.evaluation.background_music.captions import Captions
    from musiscene.evaluation.background_music.clips import Clip
    from musiscene.evaluation.background_music.ear import Ear, HeardPiece
    from musiscene.evaluation.background_music.music import MadePiece, Studio
    from musiscene.progress import ProgressReport
    from musiscene.scene_reader import SceneReader

    Fail = Callable[[str, str], None]

REAL: Final = "real"
RANDOM: Final = "random"
SHUFFLED: Final = "shuffled"
REFERENCE_SECONDS: Final = 60.0
"""From the middle of each track of the reference."""


class RealMusic(NamedTuple):
    """Real tracks and what they serve for; no track serves for two things."""

    reference: tuple[Path, ...]
    """Of the distances."""
    own: dict[str, Path]
    """Clip id -> its `real`."""
    others: dict[str, Path]
    """Clip id -> its `random`."""


class Heard(NamedTuple):
    """All that is to be judged, of the clips that have all of it."""

    clips: tuple[Clip, ...]
    """In order."""
    systems: tuple[System, ...]
    """In order."""
    own: tuple[HeardPiece, ...] | None
    """The clips' own music; None if one of them has none."""
    reference: tuple[HeardPiece, ...]
    """Real music."""


def system_name(kind: str, form: Form) -> str:
    """What music for a kind of caption is called in the tables."""
    return kind if form == "short" else f"{kind}{LONG}"


def plan_jobs(
    clips: Sequence[Clip],
    captions: Mapping[str, Captions],
    forms: Sequence[Form],
    *,
    takes: int,
    reader: SceneReader,
) -> list[Job]:
    """The pieces that are wanted.

    Args:
        clips: With captions.
        captions: Clip id -> captions.
        forms: Of the prompts.
        takes: Of every prompt.
        reader: Reads captions.

    Returns:
        Clip by clip.
    """
    return [
        Job(system_name(kind, form), clip.id, take, prompt)
        for clip in clips
        for form in forms
        for kind in KINDS
        for prompt in [prompt_for(captions[clip.id].of(kind), form, reader)]
        for take in range(takes)
    ]


def share_out(clips: Sequence[Clip], tracks: Sequence[Path], *, seed: int) -> RealMusic:
    """Choose which real tracks serve for what.

    Where every clip has its own music, that is `real`, another clip's is `random`, and all other
    tracks are the reference. Otherwise half of the tracks are the reference, and of the other half
    each clip gets one as `real` and another as `random`: neither is its own.

    Args:
        clips: At least two.
        tracks: Real ones; may be none.
        seed: Of the choice.

    Returns:
        The choice; `own` and `others` are empty where there is nothing to choose from.
    """
    order = other_rows(len(clips), seed=seed)
    used = {clip.audio.resolve() for clip in clips if clip.audio is not None}
    free = sorted({track.resolve() for track in tracks} - used)
    if all(clip.audio is not None for clip in clips):
        own = {clip.id: clip.audio for clip in clips if clip.audio is not None}
        others = {clip.id: own[clips[other].id] for clip, other in zip(clips, order, strict=True)}
        return RealMusic(tuple(free), own, others)
    shuffled = [free[place] for place in np.random.default_rng(seed).permutation(len(free))]
    held = shuffled[len(free) // 2 :]
    if len(held) < 2:  # noqa: PLR2004  one and another
        return RealMusic(tuple(free), {}, {})
    own = {clip.id: held[place % len(held)] for place, clip in enumerate(clips)}
    others = {clip.id: held[(place + 1) % len(held)] for place, clip in enumerate(clips)}
    return RealMusic(tuple(shuffled[: len(free) // 2]), own, others)


class Hall:
    """Hears everything, and puts systems together.

    Args:
        ear: Hears.
        studio: Knows where the pieces lie.
        seconds: Of a passage.
        seed: Of the shuffle.
    """

    def __init__(self, ear: Ear, studio: Studio, *, seconds: float, seed: int) -> None:
        self._ear = ear
        self._studio = studio
        self._seconds = seconds
        self._seed = seed

    def hear(
        self,
        clips: Sequence[Clip],
        jobs: Sequence[Job],
        made: Mapping[Job, MadePiece],
        real: RealMusic,
        report: ProgressReport,
        fail: Fail,
    ) -> Heard:
        """Hear the pieces and the real music.

        Args:
            clips: That were asked for.
            jobs: What was wanted for them.
            made: What could be made of it.
            real: Real music.
            report: Is told of progress.
            fail: Is told of what cannot be heard.

        Returns:
            What is judged: a clip for which anything failed is left out.
        """
        excerpts = {job: self._passage(self._studio.file_of(piece)) for job, piece in made.items()}
        tracks = {*real.own.values(), *real.others.values()}
        wanted = [*excerpts.values(), *(self._passage(track) for track in sorted(tracks))]
        heard = self._ear.hear(wanted, "Listening", report, fail)
        reference = [Excerpt(path, REFERENCE_SECONDS, with_scene=False) for path in real.reference]
        known = self._ear.hear(reference, "Listening to real music", report, fail)
        pieces = {
            job: msgspec.structs.replace(heard[excerpt], sound=made[job].sound)
            for job, excerpt in excerpts.items()
            if excerpt in heard
        }
        table = _by_system(jobs, pieces)
        for name, chosen in ((REAL, real.own), (RANDOM, real.others)):
            if chosen:
                table[name] = {
                    clip: [heard[passage]]
                    for clip, track in chosen.items()
                    if (passage := self._passage(track)) in heard
                }
        whole = [clip for clip in clips if all(clip.id in own for own in table.values())]
        has_own = all(clip.audio is not None for clip in whole) and REAL in table
        return Heard(
            clips=tuple(whole),
            systems=tuple(self._systems(whole, table)),
            own=tuple(table[REAL][clip.id][0] for clip in whole) if has_own else None,
            reference=tuple(known[one] for one in reference if one in known),
        )

    def _passage(self, path: Path) -> Excerpt:
        return Excerpt(path, self._seconds, with_scene=True)

    def _systems(
        self, clips: Sequence[Clip], table: Mapping[str, Mapping[str, Sequence[HeardPiece]]]
    ) -> list[System]:
        systems = [
            System(
                name,
                "real" if name in {REAL, RANDOM} else "caption",
                tuple(tuple(pieces[clip.id]) for clip in clips),
            )
            for name, pieces in table.items()
        ]
        first = systems[0]
        if len(clips) > 1:
            moved = other_rows(len(clips), seed=self._seed)
            shuffled = System(SHUFFLED, "control", tuple(first.pieces[other] for other in moved))
            systems.append(shuffled)
        return systems


def _by_system(
    jobs: Sequence[Job], pieces: Mapping[Job, HeardPiece]
) -> dict[str, dict[str, list[HeardPiece]]]:
    """System -> clip id -> takes, of the clips of which every take is there."""
    table: dict[str, dict[str, list[HeardPiece]]] = {job.system: {} for job in jobs}
    for job in jobs:
        if job in pieces:
            table[job.system].setdefault(job.clip_id, []).append(pieces[job])
    for job in jobs:
        if job not in pieces:
            table[job.system].pop(job.clip_id, None)
    return table
