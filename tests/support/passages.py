"""Models that hear made tracks well, badly or not at all, with files that need no sound."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from musiscene.describe import describe_music
from musiscene.errors import AudioError
from musiscene.imagine import SceneCaption
from musiscene.track_imaginer import ImaginedSegment
from tests.support.listening import listening

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from musiscene.language_model import Sampling
    from musiscene.listen import Listening

INSTRUMENTS = ("guitar", "piano", "drums", "flute", "harp", "cello", "violin", "sitar")
SCENES = {
    "guitar": "A calm evening at the camp fire.",
    "piano": "A wedding dance in a hall.",
    "drums": "A fierce storm at sea.",
    "flute": "A meadow in the morning mist.",
    "harp": "An angel on a church ceiling.",
    "cello": "A letter from a lost friend.",
    "violin": "A village fair with lanterns.",
    "sitar": "A market in the hot sun.",
}
BLAND = "A piece with guitar, piano and drums, instrumental."


class MadeModel:
    """Hears the instrument that a file is named after, and says so, unless told to be deaf."""

    def __init__(self, *, is_deaf: bool = False) -> None:
        self.version = "made-1"
        self._is_deaf = is_deaf

    def listen(self, path: str | Path) -> Listening:
        """What the file's name says; `broken` cannot be heard."""
        name = Path(path).stem
        if name == "broken":
            raise AudioError(str(path), "no sound")
        tags = {name: 0.9} if name in INSTRUMENTS else {}
        return listening(str(path), tags=tags, segments=2)

    def imagine(
        self,
        listenings: Sequence[Listening],
        *,
        captions_per_segment: int = 2,
        seed: int = 0,  # noqa: ARG002  as the real one
        greedy: bool = False,  # noqa: ARG002
    ) -> list[tuple[ImaginedSegment, ...]]:
        """The measured description, and the scene of its instrument."""
        return [
            tuple(
                ImaginedSegment(
                    start_seconds=segment.start_seconds,
                    end_seconds=segment.end_seconds,
                    music_caption=BLAND if self._is_deaf else describe_music(heard, segment),
                    scene_captions=(self._scene(heard),) * captions_per_segment,
                )
                for segment in heard.segments
            )
            for heard in listenings
        ]

    def answer(self, heard: Listening, question: str, sampling: Sampling) -> Iterator[str]:  # noqa: ARG002
        """The instrument alone, in pieces."""
        if "instrument" in question.lower():
            yield from ("\n", f"{Path(heard.info.path).stem} ", "can be heard.\n")

    def _scene(self, heard: Listening) -> SceneCaption:
        scene = SCENES.get(Path(heard.info.path).stem, "A place.")
        return SceneCaption(text="A place." if self._is_deaf else scene, origin="model")


def write_library(folder: Path, *names: str) -> Path:
    """Empty files with the names of tracks."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / f"{name}.ogg").touch()
    return folder
