"""A plan of cues as people read it in a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from indexer.spotting.cue_plan import Cue, CuePlan, PlanDiff
    from musiscene.console import Console
    from musiscene.video.analysis import VideoScene

CAPTION_WIDTH = 56


def say_plan(console: Console, plan: CuePlan, diff: PlanDiff | None, files: Sequence[str]) -> None:
    """Show a plan.

    Args:
        console: Of the command.
        plan: The plan.
        diff: From the plan before; None where there was none.
        files: That were written.
    """
    video = plan.video
    minutes = clock(video.duration_seconds)
    console.say(
        f"{video.name}: {minutes} at {float(video.rate):.5g} frames a second, "
        f"{len(plan.scenes)} scenes, {len(plan.cues)} cues"
    )
    console.table(
        ["cue", "from - to", "music", "plays from", "conf.", "what to know"],
        [_row(cue) for cue in plan.cues],
    )
    for notice in plan.notices:
        console.say(notice)
    if diff is not None:
        console.say(f"\n{diff.scenes_kept} scenes as before, {diff.scenes_changed} scored anew")
        for change in diff.changes:
            console.say(f"  {change.what}: {change.text}")
    if files:
        console.say("\nWritten: " + ", ".join(files))


def say_scenes(console: Console, scenes: Sequence[VideoScene]) -> None:
    """Show the scenes of a video, one a line."""
    for scene in scenes:
        text = " / ".join(caption.text for caption in scene.captions)
        if len(text) > CAPTION_WIDTH:
            text = text[: CAPTION_WIDTH - 3].rsplit(" ", 1)[0] + " ..."
        facts = scene.facts
        speech = ", speech" if facts.speech > 0 else ""
        console.say(
            f"  {clock(scene.start_seconds)}-{clock(scene.end_seconds)}  {text}  "
            f"({facts.cuts_per_minute:.0f} cuts a minute{speech})"
        )


def clock(seconds: float) -> str:
    """Minutes, seconds and tenths."""
    minutes, rest = divmod(round(seconds, 1), 60)
    return f"{int(minutes)}:{rest:04.1f}"


def _row(cue: Cue) -> list[str]:
    chosen = cue.chosen
    notes = [cue.notice] if cue.notice else []
    name, plays, confidence = f"({cue.kind})", "", ""
    if chosen is not None:
        name = chosen.track.title or Path(chosen.track.path).stem
        plays, confidence = clock(chosen.source_start_seconds), f"{chosen.confidence:.2f}"
        notes += [
            f"{one.kind} on {clock(one.video_seconds)}"
            for one in chosen.landings
            if abs(one.residual_frames) <= 1
        ]
    if cue.ducks:
        depth = min(duck.gain_db for duck in cue.ducks)
        notes.append(f"{depth:.0f} dB under {len(cue.ducks)} stretches of speech")
    notes += [word for word, is_so in (("pinned", cue.is_pinned), ("muted", cue.is_muted)) if is_so]
    stretch = f"{clock(cue.start_seconds)}-{clock(cue.end_seconds)}"
    return [cue.id, stretch, name, plays, confidence, "; ".join(notes)]
