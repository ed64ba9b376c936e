"""One run of the experiment: clips in, report out, everything in one folder."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from musiscene.data.rows import write_rows, write_whole
from musiscene.errors import MusiSceneError
from musiscene.evaluation.background_music.captions import caption_clips
from musiscene.evaluation.background_music.experiment import (
    REFERENCE_SECONDS,
    Hall,
    plan_jobs,
    share_out,
)
from musiscene.evaluation.background_music.judge import Judge, Texts
from musiscene.evaluation.background_music.picture import draw_agreement, draw_distances
from musiscene.evaluation.background_music.prompting import Form
from musiscene.evaluation.background_music.report import BackgroundMusicReport, Setting
from musiscene.evaluation.background_music.stimuli import write_stimuli
from musiscene.evaluation.background_music.tables import as_markdown
from musiscene.metrics.identification import chance

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from musiscene.embed import TextEmbedder
    from musiscene.evaluation.background_music.captions import Captioner, Captions
    from musiscene.evaluation.background_music.clips import Clip
    from musiscene.evaluation.background_music.ear import Ear
    from musiscene.evaluation.background_music.experiment import Heard
    from musiscene.evaluation.background_music.music import Job, MadePiece, Studio
    from musiscene.progress import ProgressReport
    from musiscene.scene_reader import SceneReader

    Fail = Callable[[str, str], None]

FEWEST_CLIPS: Final = 2
LIBRARIES: Final = ("musiscene", "torch", "numpy", "scipy", "transformers", "symusic")
AGREEMENT_PICTURE: Final = "agreement.png"
DISTANCE_PICTURE: Final = "distances.png"
STIMULI: Final = "stimuli.jsonl"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done."""

    clips_file: str
    """As given."""
    split: str
    """Of the clips, as the person says."""
    forms: tuple[Form, ...]
    """Of the prompts."""
    seconds: float
    """Of every piece."""
    takes: int
    """Of every prompt."""
    seed: int
    """Of everything."""


class Crew(NamedTuple):
    """Who does it."""

    captioner: Captioner
    """Writes captions."""
    studio: Studio
    """Makes music."""
    ear: Ear
    """Hears it."""
    reader: SceneReader
    """Says what texts call for."""
    embedder: TextEmbedder
    """Judges scenes."""
    listening: str
    """Version of what hears."""
    writing: str
    """Version of what imagines."""


class Prompted(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `prompts.jsonl`: which piece is whose."""

    clip_id: str
    """The clip."""
    system: str
    """The kind of caption."""
    take: int
    """From 0."""
    prompt: str
    """As the backend got it."""
    file: str
    """Of the piece, in the folder; empty where it could not be made."""


def run_experiment(
    clips: Sequence[Clip],
    tracks: Sequence[Path],
    plan: Plan,
    crew: Crew,
    out: Path,
    report: ProgressReport,
    fail: Fail,
) -> BackgroundMusicReport:
    """Make and judge the music, and write the report.

    Args:
        clips: At least two.
        tracks: Real music.
        plan: What is to be done.
        crew: Who does it.
        out: Gets captions, prompts, music, what was heard, the table of a listening study, the
            report and its pictures.
        report: Is told of progress.
        fail: Is told of what failed; the rest goes on.

    Returns:
        The report.

    Raises:
        MusiSceneError: If fewer than two clips are left to judge, or `out` cannot be written.
    """
    captions = caption_clips(clips, crew.captioner, out / "captions.jsonl", report, fail)
    captioned = [clip for clip in clips if clip.id in captions]
    _require(len(captioned))
    jobs = plan_jobs(captioned, captions, plan.forms, takes=plan.takes, reader=crew.reader)
    made = crew.studio.make(jobs, report, fail)
    write_rows(out / "prompts.jsonl", _prompted(jobs, made))
    real = share_out(captioned, tracks, seed=plan.seed)
    hall = Hall(crew.ear, crew.studio, seconds=plan.seconds, seed=plan.seed)
    heard = hall.hear(captioned, jobs, made, real, report, fail)
    _require(len(heard.clips))
    pieces = {job: crew.studio.file_of(piece) for job, piece in made.items()}
    own = real.own if heard.own is not None else {}
    write_stimuli(out / STIMULI, heard.clips, pieces, own)
    judge = Judge(
        Texts(
            video=[clip.video for clip in heard.clips],
            music=[captions[clip.id].music for clip in heard.clips],
        ),
        heard.own,
        heard.reference,
        reader=crew.reader,
        embedder=crew.embedder,
        seed=plan.seed,
    )
    figures, comparisons = judge.judge(heard.systems, report)
    judged = BackgroundMusicReport(
        setting=_setting(plan, crew, heard, captions, list(made.values())),
        chance=chance(len(heard.clips)),
        systems=tuple(figures),
        comparisons=tuple(comparisons),
        examples=_examples(heard, jobs),
    )
    write_report(judged, out)
    return judged


def write_report(report: BackgroundMusicReport, out: Path) -> None:
    """Write `report.json`, `report.md` and the pictures.

    Args:
        report: Any.
        out: The folder.

    Raises:
        MusiSceneError: If they cannot be written.
    """
    pictures = [AGREEMENT_PICTURE]
    draw_agreement(report, out / AGREEMENT_PICTURE)
    if any(one.frechet for one in report.systems):
        draw_distances(report, out / DISTANCE_PICTURE)
        pictures.append(DISTANCE_PICTURE)
    write_whole(out / "report.md", [as_markdown(report, pictures).encode()])
    write_whole(out / "report.json", [msgspec.json.format(msgspec.json.encode(report), indent=2)])


def _require(clips: int) -> None:
    """See that there is something to compare.

    Args:
        clips: How many are left.

    Raises:
        MusiSceneError: If they are too few.
    """
    if clips < FEWEST_CLIPS:
        raise MusiSceneError(f"{clips} clips are left: nothing can be compared")


def _prompted(jobs: Sequence[Job], made: Mapping[Job, MadePiece]) -> list[Prompted]:
    return [
        Prompted(
            clip_id=job.clip_id,
            system=job.system,
            take=job.take,
            prompt=job.prompt,
            file=f"music/{made[job].key}.flac" if job in made else "",
        )
        for job in jobs
    ]


def _examples(heard: Heard, jobs: Sequence[Job]) -> tuple[tuple[str, str, str], ...]:
    """Of the first clip."""
    first = heard.clips[0].id
    prompts = {job.system: job.prompt for job in jobs if job.clip_id == first and not job.take}
    return tuple(
        (system.name, prompts.get(system.name, "-"), system.pieces[0][0].scene)
        for system in heard.systems
    )


def _setting(
    plan: Plan,
    crew: Crew,
    heard: Heard,
    captions: Mapping[str, Captions],
    made: Sequence[MadePiece],
) -> Setting:
    kept = [captions[clip.id] for clip in heard.clips]
    real = "real tracks that are not the clips' own"
    if heard.own is not None:
        real = "the clip's own music, and another clip's"
    passage = "the middle of each"
    return Setting(
        clips_file=plan.clips_file,
        split=plan.split,
        clips=len(heard.clips),
        backend=made[0].backend,
        generator=made[0].model,
        weights_licence=made[0].weights_licence,
        commercial_use=made[0].commercial_use,
        captions_by={
            "fusion": tuple(sorted({one.fused_by for one in kept})),
            "msi": tuple(sorted({one.imagined_by for one in kept})),
        },
        seconds=plan.seconds,
        takes=plan.takes,
        seed=plan.seed,
        reference=f"{len(heard.reference)} other real tracks, up to {REFERENCE_SECONDS:g} s from "
        f"{passage}",
        real=f"{real}; {plan.seconds:g} s from {passage}",
        embedding=crew.ear.embedding,
        judging_embedder=crew.embedder.version,
        listening=crew.listening,
        writing=crew.writing,
        machine=f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
        versions={name: version(name) for name in LIBRARIES},
        finished=datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
    )
