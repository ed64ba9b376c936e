"""The four captions of a clip: what is seen, what is heard, both fused, and the scene imagined.

Source: arXiv:2507.05894 (the four kinds).
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from musiscene.data.fusion import fuse
from musiscene.evaluation.background_music.kept import Kept, key_of
from musiscene.evaluation.heard import passage_of
from musiscene.evaluation.systems import ImaginingWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from musiscene.data.fusion import Fuser
    from musiscene.evaluation.background_music.clips import Clip
    from musiscene.listen import Listening
    from musiscene.model import MusiScene
    from musiscene.progress import ProgressReport
    from musiscene.writer import Writer

VIDEO: Final = "video"
MUSIC: Final = "music"
FUSION: Final = "fusion"
MSI: Final = "msi"
KINDS: Final = (VIDEO, MUSIC, FUSION, MSI)
"""The paper's."""


class Captions(msgspec.Struct, frozen=True, kw_only=True):
    """The captions of one clip."""

    video: str
    """What is seen."""
    music: str
    """What is heard."""
    fusion: str
    """The music for both, written by a language model."""
    msi: str
    """The scene that MusiScene imagines to the music."""
    fused_by: str
    """`given`, or the model."""
    imagined_by: str
    """`given`, or the model, and what it had of the music: `audio` or `text`."""

    def of(self, kind: str) -> str:
        """The caption of one of `KINDS`."""
        text: str = getattr(self, kind)
        return text


class Captioner(Protocol):
    """Writes the captions that a clip lacks."""

    version: str
    """Of all that decides what it writes."""

    def caption(self, clip: Clip) -> Captions:
        """All captions of a clip.

        Args:
            clip: With some of them.

        Returns:
            The captions.

        Raises:
            MusiSceneError: If one cannot be made.
        """


class MusiSceneCaptioner:
    """MusiScene and a fuser as a `Captioner`; the fuser is loaded when the first clip needs it.

    Args:
        model: Hears.
        writer: Its language model.
        load_fuser: Gives what fuses.
        fuser_name: Of what that will be.
        seed: Of scenes and fusions.
    """

    def __init__(
        self,
        model: MusiScene,
        writer: Writer,
        load_fuser: Callable[[], Fuser],
        *,
        fuser_name: str,
        seed: int = 0,
    ) -> None:
        self._model = model
        self._writer = writer
        self._load_fuser = load_fuser
        self._seed = seed
        self.version = f"{model.version}, {model.versions.listening}, {fuser_name}, seed {seed}"

    def caption(self, clip: Clip) -> Captions:
        """As in `Captioner`."""
        heard = None
        if clip.audio is not None and not (clip.music and clip.msi):
            heard = passage_of(self._model.listen(clip.audio))
        music = clip.music or self._described(heard)
        msi, imagined_by = clip.msi, "given"
        if not msi:
            msi = self._imagined(clip, music, heard)
            imagined_by = f"{self._model.version} from {'text' if heard is None else 'audio'}"
        fusion, fused_by = clip.fusion, "given"
        if not fusion:
            fused = fuse(
                self._fuser,
                "music",
                video_caption=clip.video,
                music_caption=music,
                seed=self._seed,
            )
            fusion, fused_by = fused.text, fused.provenance.name
        return Captions(
            video=clip.video,
            music=music,
            fusion=fusion,
            msi=msi,
            fused_by=fused_by,
            imagined_by=imagined_by,
        )

    @cached_property
    def _fuser(self) -> Fuser:
        return self._load_fuser()

    def _described(self, heard: Listening | None) -> str:
        if heard is None:
            return ""
        [[segment]] = self._model.imagine([heard], captions_per_segment=0)
        return segment.music_caption

    def _imagined(self, clip: Clip, music: str, heard: Listening | None) -> str:
        if heard is not None:
            [[segment]] = self._model.imagine([heard], captions_per_segment=1, seed=self._seed)
            return segment.scene_captions[0].text
        imaginer = self._writer.imaginer(of_videos=clip.is_vacad)
        return ImaginingWriter(imaginer, self._model.version, seed=self._seed).write([music])[0]


def caption_clips(
    clips: Sequence[Clip],
    captioner: Captioner,
    path: Path,
    report: ProgressReport,
    fail: Callable[[str, str], None],
) -> dict[str, Captions]:
    """Give every clip its captions.

    Args:
        clips: Any number.
        captioner: Writes what is missing.
        path: Keeps what is written.
        report: Is told how many are done.
        fail: Is told of a clip that cannot be captioned, which is left out, and why.

    Returns:
        Clip id -> captions.

    Raises:
        MusiSceneError: If the file cannot be used.
    """
    from musiscene.data.fusion import FusionError
    from musiscene.errors import AudioError

    kept = Kept(path, Captions)
    found = {}
    for number, clip in enumerate(clips):
        report("Captioning", number, len(clips))
        key = key_of(
            captioner.version, clip.video, clip.music, clip.fusion, clip.msi, str(clip.audio)
        )
        if key not in kept:
            try:
                kept.keep(key, captioner.caption(clip))
            except (AudioError, FusionError) as error:
                fail(clip.id, str(error))
                continue
        found[clip.id] = kept[key]
    report("Captioning", len(clips), len(clips))
    return found
