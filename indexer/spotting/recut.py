"""From the plan of one cut to that of the next: what was approved stays; a diff says the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from indexer.spotting.alignment import align, kept_scenes
from indexer.spotting.cue_details import clock
from indexer.spotting.cue_plan import Cue, CueChange, PlanDiff, PlanWishes
from indexer.spotting.picture import scenes_under, seconds_of
from musiscene.video.analysis import VideoAnalysis
from musiscene.video.fingerprints import likeness

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from indexer.spotting.alignment import CutMap
    from indexer.spotting.cue_plan import CuePlan, CueTrack, Landing
    from musiscene.video.analysis import VideoScene

    Span = tuple[int, int]

LEAST_FRAMES: Final = 2
"""Of a pinned cue: what is shorter in the new cut is gone."""


class Recut(msgspec.Struct, frozen=True, kw_only=True):
    """What of an old plan goes into a new one."""

    analysis: VideoAnalysis
    """Of the new cut, with the captions of the scenes that are kept."""
    wishes: PlanWishes
    """Whose moments are those of the new cut."""
    pinned: tuple[Cue, ...]
    """Where they lie in the new cut."""
    kept: int
    """Scenes."""


def carried_over(
    old: CuePlan, analysis: VideoAnalysis, cuts: CutMap, wishes: PlanWishes | None
) -> Recut:
    """What of an old plan stays true for a new cut.

    Args:
        old: The plan of the cut before.
        analysis: Of the new cut.
        cuts: Of both cuts.
        wishes: For the new cut; None for those of the old plan, whose moments move with the shots.

    Returns:
        What the new plan begins with.
    """
    kept = kept_scenes(cuts, old.scenes, analysis.scenes)
    scenes = tuple(_with_old(scene, kept.get(scene.number)) for scene in analysis.scenes)
    pinned: list[Cue] = []
    reached = 0
    moved = [_moved(cue, old, cuts, analysis) for cue in old.cues if cue.is_pinned]
    for cue in sorted((cue for cue in moved if cue), key=lambda cue: cue.start_frame):
        if cue.start_frame >= reached:
            pinned.append(cue)
            reached = cue.end_frame
    return Recut(
        analysis=msgspec.structs.replace(analysis, scenes=scenes),
        wishes=_moved_wishes(old, cuts, analysis) if wishes is None else wishes,
        pinned=tuple(pinned),
        kept=len(kept),
    )


def with_known_captions(old: CuePlan, analysis: VideoAnalysis) -> VideoAnalysis:
    """Give the scenes of a new cut what was said of them in the old one.

    Args:
        old: The plan of the cut before.
        analysis: Of the new cut, without captions.

    Returns:
        The analysis; only scenes that are new have no captions.
    """
    cuts = align(old.shots, analysis.shots, likeness)
    kept = kept_scenes(cuts, old.scenes, analysis.scenes)
    scenes = tuple(_with_old(scene, kept.get(scene.number)) for scene in analysis.scenes)
    return msgspec.structs.replace(analysis, scenes=scenes)


def named_after(plan: CuePlan, old: CuePlan, cuts: CutMap) -> CuePlan:
    """A new plan whose cues have the ids of those that they come from.

    Args:
        plan: Of the new cut.
        old: Of the cut before.
        cuts: Of both cuts.

    Returns:
        The plan; a cue that comes from none keeps its id, which no old one has.
    """
    spans = {cue.id: cuts.span(cue.start_frame, cue.end_frame) for cue in old.cues}
    used = {cue.id for cue in plan.cues if cue.is_pinned}
    cues: list[Cue] = []
    for cue in plan.cues:
        before = None if cue.is_pinned else _origin(cue, old, spans, used)
        if before is not None:
            used.add(before.id)
            cues.append(msgspec.structs.replace(cue, id=before.id))
        else:
            cues.append(cue)
    return msgspec.structs.replace(plan, cues=tuple(cues))


def diff_of(plan: CuePlan, old: CuePlan, *, kept: int) -> PlanDiff:
    """How a plan differs from the one of the cut before.

    Args:
        plan: Of the new cut; its cues have the ids of those that they come from.
        old: Of the cut before.
        kept: Scenes that are in both.

    Returns:
        What became of every cue.
    """
    before = {cue.id: cue for cue in old.cues}
    after = {cue.id for cue in plan.cues}
    changes = [_change(cue, before.get(cue.id), plan, old) for cue in plan.cues]
    changes += [
        CueChange(
            cue=cue.id,
            what="removed",
            text=f"{_called(cue)} ({_times(cue)}) is gone, or another lies there.",
            before=(cue.start_frame, cue.end_frame),
        )
        for cue in old.cues
        if cue.id not in after
    ]
    return PlanDiff(
        scenes_kept=kept,
        scenes_changed=len(plan.scenes) - kept,
        changes=tuple(changes),
    )


def _with_old(scene: VideoScene, before: VideoScene | None) -> VideoScene:
    """A scene with what the user or a captioner said of it in the old cut."""
    if before is None:
        return scene
    return msgspec.structs.replace(
        scene,
        captions=scene.captions or before.captions,
        no_music=scene.no_music or before.no_music,
    )


def _moved(cue: Cue, old: CuePlan, cuts: CutMap, analysis: VideoAnalysis) -> Cue | None:
    """A pinned cue where its shots are now; None where they are gone."""
    span = cuts.span(cue.start_frame, cue.end_frame)
    if span is None or span[1] - span[0] < LEAST_FRAMES:
        return None
    start, end = span
    rate = analysis.info.rate
    chosen, notice = cue.chosen, None
    if chosen is not None:
        chosen = _in_step(chosen, cue, old, cuts, (start, end), analysis)
        left = chosen.track.duration_seconds - chosen.source_start_seconds
        end = min(end, start + int(left * rate))
        missed = _missed(cue, chosen, start, cuts, old, analysis)
        if missed:
            moments = ", ".join(clock(one.video_seconds) for one in missed)
            notice = f"What landed on {moments} of the last cut does not any more."
    if end - start != cue.end_frame - cue.start_frame:
        lengths = f"{cue.seconds:.2f} s to {float((end - start) / rate):.2f} s"
        notice = " ".join(filter(None, [f"Its scenes went from {lengths}.", notice]))
    first_scene, last_scene = scenes_under(analysis.scenes, start, end)
    return msgspec.structs.replace(
        cue,
        start_frame=start,
        end_frame=end,
        start_seconds=seconds_of(start, rate),
        end_seconds=seconds_of(end, rate),
        first_scene=first_scene,
        last_scene=last_scene,
        chosen=chosen,
        alternatives=cue.alternatives if notice is None else (),
        notice=notice,
    )


def _in_step(
    chosen: CueTrack,
    cue: Cue,
    old: CuePlan,
    cuts: CutMap,
    span: Span,
    analysis: VideoAnalysis,
) -> CueTrack:
    """The track where most of what landed still lands: in step with one of the shots."""
    rate, start = analysis.info.rate, seconds_of(span[0], analysis.info.rate)
    best = (-1, chosen.source_start_seconds)
    for pair in cuts.within(cue.start_frame, cue.end_frame):
        into_old = pair.old.start_frame / old.video.rate - cue.start_frame / old.video.rate
        into_new = pair.new.start_frame / rate - span[0] / rate
        source = chosen.source_start_seconds + float(into_old - into_new)
        moved = msgspec.structs.replace(chosen, source_start_seconds=round(source, 6))
        is_possible = 0 <= source < chosen.track.duration_seconds
        held = sum(_holds(one, moved, start, cuts, old, analysis) for one in chosen.landings)
        if is_possible and held > best[0]:
            best = (held, moved.source_start_seconds)
    return msgspec.structs.replace(chosen, source_start_seconds=best[1])


def _missed(
    cue: Cue,
    chosen: CueTrack,
    start_frame: int,
    cuts: CutMap,
    old: CuePlan,
    analysis: VideoAnalysis,
) -> list[Landing]:
    start = seconds_of(start_frame, analysis.info.rate)
    before = cue.chosen.landings if cue.chosen else ()
    return [one for one in before if not _holds(one, chosen, start, cuts, old, analysis)]


def _holds(
    landing: Landing,
    chosen: CueTrack,
    start: float,
    cuts: CutMap,
    old: CuePlan,
    analysis: VideoAnalysis,
) -> bool:
    """Whether a track that is placed anew still meets what it met in the old cut."""
    moment = _moved_moment(landing.video_seconds, old, cuts, analysis)
    if moment is None:
        return False
    heard = start + landing.track_seconds - chosen.source_start_seconds
    return abs(heard - moment) <= float(0.5 / analysis.info.rate) + 1e-3


def _moved_moment(
    seconds: float, old: CuePlan, cuts: CutMap, analysis: VideoAnalysis
) -> float | None:
    """Where a moment is in the new cut, as far within its frame as it was."""
    rate = old.video.rate
    frame = int(seconds * rate + 1e-6)
    if frame >= old.video.frames:
        return analysis.info.duration_seconds
    moved = cuts.frame(frame)
    if moved is None:
        return None
    return seconds_of(moved, analysis.info.rate) + seconds - seconds_of(frame, rate)


def _moved_wishes(old: CuePlan, cuts: CutMap, analysis: VideoAnalysis) -> PlanWishes:
    rate = old.video.rate
    silent: list[tuple[float, float]] = []
    for start, end in old.wishes.no_music:
        span = cuts.span(round(start * float(rate)), round(end * float(rate)))
        if span is not None:
            new_rate = analysis.info.rate
            silent.append((seconds_of(span[0], new_rate), seconds_of(span[1], new_rate)))
    moments = [_moved_moment(one, old, cuts, analysis) for one in old.wishes.land_on]
    return msgspec.structs.replace(
        old.wishes,
        no_music=tuple(silent),
        land_on=tuple(max(one, 0.0) for one in moments if one is not None),
    )


def _origin(cue: Cue, old: CuePlan, spans: dict[str, Span | None], used: set[str]) -> Cue | None:
    """The old cue that a new one comes from: of the same track if there is one, and under most."""
    found: tuple[bool, int] = (False, 0)
    origin: Cue | None = None
    for before in old.cues:
        span = spans[before.id]
        if span is None or before.id in used:
            continue
        shared = min(span[1], cue.end_frame) - max(span[0], cue.start_frame)
        rank = (_track(before) == _track(cue), shared)
        if shared > 0 and rank > found:
            found, origin = rank, before
    return origin


def _change(cue: Cue, before: Cue | None, plan: CuePlan, old: CuePlan) -> CueChange:
    after = (cue.start_frame, cue.end_frame)
    if before is None:
        text = f"{_called(cue)} is new at {_times(cue)}."
        return CueChange(cue=cue.id, what="added", text=text, after=after)
    what: Literal["kept", "moved", "trimmed", "swapped"] = "kept"
    if _track(cue) != _track(before):
        what, text = "swapped", f"{_called(before)} became {_called(cue)} at {_times(cue)}."
    elif abs(cue.seconds - before.seconds) > 0.5 / float(plan.video.rate):
        what = "trimmed"
        text = f"{_called(cue)} lasts {cue.seconds:.2f} s instead of {before.seconds:.2f} s"
        text += f": {_times(before)} became {_times(cue)}."
    elif cue.start_frame / plan.video.rate != before.start_frame / old.video.rate:
        what, text = "moved", f"{_called(cue)} moved from {_times(before)} to {_times(cue)}."
    else:
        text = f"{_called(cue)} stays at {_times(cue)}."
    landed = {(one.kind, round(one.track_seconds, 3)) for one in _landings(cue)}
    return CueChange(
        cue=cue.id,
        what=what,
        text=text,
        before=(before.start_frame, before.end_frame),
        after=after,
        missed=()
        if what == "swapped"
        else tuple(
            one
            for one in _landings(before)
            if (one.kind, round(one.track_seconds, 3)) not in landed
        ),
    )


def _landings(cue: Cue) -> Sequence[Landing]:
    return cue.chosen.landings if cue.chosen else ()


def _track(cue: Cue) -> object:
    return cue.chosen.track.id if cue.chosen else cue.kind


def _called(cue: Cue) -> str:
    if cue.chosen is None:
        return f"{cue.id} (no music)" if cue.kind == "silence" else f"{cue.id} (open)"
    track = cue.chosen.track
    return f"{cue.id} ({track.title or track.path.replace(chr(92), '/').rsplit('/', 1)[-1]})"


def _times(cue: Cue) -> str:
    return f"{clock(cue.start_seconds)} to {clock(cue.end_seconds)}"
