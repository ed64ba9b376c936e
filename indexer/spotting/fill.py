"""Music made for a stretch that nothing in the library fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from indexer.fallback import prompt_of
from indexer.spotting.editing import cue_of
from indexer.spotting.errors import CueEditError
from indexer.spotting.picture import course, seconds_of
from musiscene.generate.protocol import (
    LEAST_SECONDS,
    MAX_PROMPT_CHARACTERS,
    MOST_HITS,
    MOST_SECONDS,
    HitPoint,
    MusicRequest,
)

if TYPE_CHECKING:
    import numpy as np

    from indexer.matching.results import Reading
    from indexer.spotting.cue_plan import Cue, CuePlan
    from musiscene.generate.protocol import HitKind

RISE: Final = 0.25
"""Of the picture's course from one scene to the next, from which music swells up to the cut."""
AROUND_SECONDS: Final = 4.0
"""Before and after a cut, by which a rise is measured."""
APART_SECONDS: Final = 2.0
"""Points to meet are no nearer to each other, nor to both ends."""
THIN_OUT_SECONDS: Final = 3.0
"""Before a stretch without music, the music thins out for so long."""
PROMPT_CAPTIONS: Final = 3
SEED: Final = 0


def music_for(plan: CuePlan, cue_id: str, *, reading: Reading | None = None) -> MusicRequest:
    """The music that a stretch without any would need.

    Args:
        plan: The plan.
        cue_id: Of a cue without a track.
        reading: Of what its scenes call for, from `CuePlanner.reading`; None to go by the captions
            themselves.

    Returns:
        Prompt, exact length, and the points to meet.

    Raises:
        CueNotFoundError: If there is no such cue.
        CueEditError: If the cue has a track, is pinned, or is too long.
    """
    cue = cue_of(plan, cue_id)
    if cue.kind == "track":
        raise CueEditError(f"cue {cue_id} has a track; silence it first to have music made")
    if cue.is_pinned:
        raise CueEditError(f"cue {cue_id} is pinned; unpin it first")
    if cue.seconds > MOST_SECONDS:
        raise CueEditError(
            f"cue {cue_id} lasts {cue.seconds:.0f} s, and music is made for at most "
            f"{MOST_SECONDS:.0f} s; trim it first"
        )
    prompt = _captions(plan, cue) if reading is None else prompt_of(reading)
    return MusicRequest(
        prompt=prompt[:MAX_PROMPT_CHARACTERS],
        seconds=max(cue.seconds, LEAST_SECONDS),
        seed=SEED,
        hits=_hits(plan, cue),
    )


def _captions(plan: CuePlan, cue: Cue) -> str:
    """What its longest scenes show."""
    own = plan.scenes[cue.first_scene : cue.last_scene + 1]
    longest = sorted(own, key=lambda scene: -scene.seconds)[:PROMPT_CAPTIONS]
    shown = sorted(longest, key=lambda scene: scene.number)
    words = [scene.captions[0].text.strip() for scene in shown if scene.captions]
    return "; ".join(filter(None, words)) or plan.wishes.brief or "calm, piano"


def _hits(plan: CuePlan, cue: Cue) -> tuple[HitPoint, ...]:
    """Wished moments first, then beginnings of scenes, as far as there is room between them."""
    rate, level = plan.video.rate, course(plan.activity, plan.video.duration_seconds)
    starts = [seconds_of(scene.start_frame, rate) for scene in plan.scenes]
    wanted: list[tuple[float, HitKind]] = [(moment, "hit") for moment in plan.wishes.land_on]
    wanted += [(start, "swell" if _rise(level, start) >= RISE else "hit") for start in starts]
    if _is_before_silence(plan, cue):
        wanted.insert(0, (cue.end_seconds - THIN_OUT_SECONDS, "quiet"))
    chosen: list[HitPoint] = []
    for moment, kind in wanted:
        seconds = round(moment - cue.start_seconds, 3)
        is_inside = APART_SECONDS <= seconds <= cue.seconds - APART_SECONDS
        if is_inside and all(abs(seconds - one.seconds) >= APART_SECONDS for one in chosen):
            chosen.append(HitPoint(seconds=seconds, kind=kind))
    return tuple(sorted(chosen[:MOST_HITS], key=lambda hit: hit.seconds))


def _rise(level: np.ndarray, seconds: float) -> float:
    middle, around = round(seconds), round(AROUND_SECONDS)
    before, after = level[max(0, middle - around) : middle], level[middle : middle + around]
    return float(after.mean() - before.mean()) if len(before) and len(after) else 0.0


def _is_before_silence(plan: CuePlan, cue: Cue) -> bool:
    following = [one for one in plan.cues if one.start_frame == cue.end_frame]
    return bool(following) and following[0].kind == "silence"
