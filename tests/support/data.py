"""Rows of data with known content, and a fuser that says what it is told to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from musiscene.data.rows import MusicCapsRow, SceneExample, VacadRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from musiscene.data.rows import Split, TextSampling

GOOD_ANSWER = "A train of wooden toys circles a lamp while rain runs down the window."


class ScriptedFuser:
    """Gives its answers in turn, raising those that are errors; then the last one for ever."""

    name = "scripted"

    def __init__(self, *answers: str | BaseException) -> None:
        self.prompts: list[str] = []
        self.seeds: list[int] = []
        self._answers = list(answers or (GOOD_ANSWER,))

    def complete(self, prompt: str, sampling: TextSampling, *, seed: int) -> str:
        """The next answer."""
        assert sampling.max_new_tokens > 0
        self.prompts.append(prompt)
        self.seeds.append(seed)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer


def vacad_row(clip_id: str, *, scene: str = "A man walks home through the snow.") -> VacadRow:
    """A row of VACAD."""
    return VacadRow(
        clip_id=clip_id,
        video_caption=f"a man walks in street {clip_id}",
        music_elements=f"Slow music number {clip_id} in a minor key.",
        music_context="It suits a sad film.",
        music_features="There is a piano.",
        music_heard="A piano plays.",
        fused_music="Sad music for a walk.",
        fused_scene=scene,
    )


def musiccaps_row(clip_id: str, *, scene: str = "") -> MusicCapsRow:
    """A row of MusicCaps."""
    return MusicCapsRow(
        clip_id=clip_id,
        start_seconds=30,
        end_seconds=40,
        author_id=4,
        aspects=("calm", f"harp {clip_id}"),
        description="A harp plays alone.",
        scene=scene,
    )


def example(
    name: str,
    *,
    music: str | None = None,
    scene: str = "Snow falls on a village.",
    split: Split | None = None,
    source: str = "made",
    group: str | None = None,
) -> SceneExample:
    """A lesson."""
    return SceneExample(
        id=name,
        source=source,
        group=group or name,
        music={"description": name * 20 if music is None else music},
        scene=scene,
        split=split,
        licence="CC0",
    )


def write_lines(path: Path, rows: Iterable[msgspec.Struct | bytes]) -> Path:
    """Write rows, or bytes as they are, a line each."""
    lines: Sequence[bytes] = [
        row if isinstance(row, bytes) else msgspec.json.encode(row) for row in rows
    ]
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path
