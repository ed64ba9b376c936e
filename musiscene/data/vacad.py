"""VACAD made anew: clip -> video caption -> music captions -> fusions -> question and scene.

The manifest's rows have VACAD's own form with more fields, so whatever reads VACAD reads them.

Source: arXiv:2507.05894 (the steps).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, Literal

from musiscene.data.captions import Caption, Clip, NoCaptionError
from musiscene.data.fusion import PAPER_SAMPLING, FusionError, fuse
from musiscene.data.rows import MUSIC_FIELDS, Provenance, TextSampling, VacadRow, read_rows
from musiscene.errors import AudioError, MusiSceneError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from musiscene.data.captions import MusicCaptioner, VideoCaptioner
    from musiscene.data.fusion import Fuser, Target
    from musiscene.data.manifest import Manifest

VIDEO_EXTENSIONS: Final = frozenset({
    ".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm", ".wmv",
})  # fmt: skip
SCENE_QUESTIONS: Final = (
    "Describe a scene that this music suits.",
    "What could be seen in a video with this music?",
    "Imagine the scene that this music accompanies, and describe it.",
    "Which scene comes to mind with this music?",
)
"""One of them is drawn for each clip, so that a model does not learn a single wording."""


class ClipRecord(VacadRow, frozen=True, kw_only=True):
    """What has become of one clip."""

    status: Literal["done", "dropped", "failed"]
    """Dropped ones have no scene and never will; failed ones are tried again by the next run."""
    problem: str = ""
    """Why it was dropped or has failed."""
    path: str | None = None
    """The clip's file."""


class VacadBuilder:
    """Builds one record after the other.

    Args:
        fuser: Writes the fusions; None if all clips are imported whole.
        video_captioner: Says what is seen.
        music_captioner: Says what is heard.
        released: Clip id -> the authors' row, which is taken as it is.
        sampling: Of the fusions.
        seed: Another one gives other fusions and questions.
    """

    def __init__(
        self,
        *,
        fuser: Fuser | None = None,
        video_captioner: VideoCaptioner | None = None,
        music_captioner: MusicCaptioner | None = None,
        released: dict[str, VacadRow] | None = None,
        sampling: TextSampling = PAPER_SAMPLING,
        seed: int = 0,
    ) -> None:
        self._fuser = fuser
        self._video_captioner = video_captioner
        self._music_captioner = music_captioner
        self._released = released or {}
        self._sampling = sampling
        self._seed = seed

    def build(self, clips: Iterable[Clip], manifest: Manifest[ClipRecord]) -> Iterator[ClipRecord]:
        """Build what the manifest does not hold yet, and keep each record as it is finished.

        Args:
            clips: In any order; of equal ids the first counts.
            manifest: Open.

        Yields:
            The record of each clip, also of those that were finished before.

        Raises:
            MusiSceneError: If a model cannot be asked at all; what is finished is kept.
        """
        for clip in clips:
            record = manifest.rows.get(clip.clip_id)
            if record is None or record.status == "failed":
                record = self._record(clip)
                manifest.append(record)
            yield record

    def _record(self, clip: Clip) -> ClipRecord:
        question = SCENE_QUESTIONS[_draw(self._seed, clip.clip_id) % len(SCENE_QUESTIONS)]
        known: dict[str, Caption] = {}
        problem = ""
        row = self._released.get(clip.clip_id)
        if row is not None:
            known = _released_texts(row)
            status: Literal["done", "dropped", "failed"] = "done"
            if "fused_scene" not in known:
                status, problem = "dropped", "the released row has no scene"
        else:
            try:
                for field, caption in self._texts(clip):
                    known[field] = caption
                status = "done"
            except (AudioError, FusionError, NoCaptionError) as error:
                status, problem = "failed", str(error)
        texts = dict.fromkeys(("video_caption", *MUSIC_FIELDS, "fused_music", "fused_scene"), "")
        return ClipRecord(
            clip_id=clip.clip_id,
            path=clip.path,
            status=status,
            problem=problem,
            question=question,
            provenance={field: caption.provenance for field, caption in known.items()},
            **(texts | {field: caption.text for field, caption in known.items()}),
        )

    def _texts(self, clip: Clip) -> Iterator[tuple[str, Caption]]:
        # Step by step, so that a failure keeps the steps before it.
        if self._video_captioner is None or self._music_captioner is None or self._fuser is None:
            raise NoCaptionError("not among the released rows, and no models are there to make it")
        seen = self._video_captioner.describe_video(clip)
        yield "video_caption", seen
        heard = self._music_captioner.describe_music(clip)
        yield from heard.items()
        targets: tuple[Target, ...] = ("music", "scene")
        for target in targets:
            text, provenance = fuse(
                self._fuser,
                target,
                video_caption=seen.text,
                music_caption=heard["music_elements"].text,
                sampling=self._sampling,
                seed=_draw(self._seed, clip.clip_id, target),
            )
            yield f"fused_{target}", Caption(text=text, provenance=provenance)


def find_clips(path: Path) -> list[Clip]:
    """The clips of a folder of videos, or of a list of them.

    Args:
        path: A folder, whose videos have their clip ids as names, or JSON Lines of `clip_id` and,
            where the file is here, `path`.

    Returns:
        The clips, those of a folder in the order of their paths.

    Raises:
        MusiSceneError: If there is none, or a line of the list is none.
    """
    if path.is_dir():
        clips = [
            Clip(clip_id=file.stem, path=str(file))
            for file in sorted(path.rglob("*"))
            if file.suffix.lower() in VIDEO_EXTENSIONS and file.is_file()
        ]
    else:
        read = read_rows(path, Clip)
        if read.bad:
            raise MusiSceneError(f"{read.bad[0].place}: {read.bad[0].reason}")
        clips = list(read.good)
    if not clips:
        raise MusiSceneError(f"{path}: holds no clips")
    return clips


def _released_texts(row: VacadRow) -> dict[str, Caption]:
    source = Provenance(origin="import", name="VACAD as released")
    fields = ("video_caption", *MUSIC_FIELDS, "fused_music", "fused_scene")
    texts = {field: str(getattr(row, field)).strip() for field in fields}
    return {field: Caption(text=text, provenance=source) for field, text in texts.items() if text}


def _draw(*parts: object) -> int:
    """A number below 2^31, always the same for the same parts."""
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:4]) >> 1
