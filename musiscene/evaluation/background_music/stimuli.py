"""The music of a run as a listening study takes it: `musiscene study create STUDY --stimuli`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from musiscene.data.rows import write_rows
from musiscene.evaluation.background_music.experiment import REAL
from musiscene.study.sources import Source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from musiscene.evaluation.background_music.clips import Clip
    from musiscene.evaluation.background_music.music import Job


def write_stimuli(
    path: Path, clips: Sequence[Clip], made: Mapping[Job, Path], own: Mapping[str, Path]
) -> None:
    """Write a table of pieces, one for every system and clip.

    The study has a floor of its own, so `random` and `shuffled` are left out.

    Args:
        path: Of the table; what it names is relative to its folder.
        clips: For which every piece is there.
        made: The pieces; of several takes the first counts.
        own: Clip id -> its own music; empty where the clips have none.

    Raises:
        MusiSceneError: If it cannot be written.
    """
    pieces = {
        clip.id: [(job.system, made[job]) for job in made if job[1:3] == (clip.id, 0)]
        for clip in clips
    }
    for clip, audio in own.items():
        if clip in pieces:
            pieces[clip].append((REAL, audio))
    folder = path.parent.resolve()
    rows = [
        Source(
            system=system,
            item=clip.id,
            text=clip.video,
            audio=Path(os.path.relpath(audio.resolve(), folder)).as_posix(),
        )
        for clip in clips
        for system, audio in pieces[clip.id]
    ]
    write_rows(path, rows)
