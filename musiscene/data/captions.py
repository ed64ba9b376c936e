"""What is seen and heard in a clip, in words: imported, or asked of a model.

An import is JSON Lines with a `clip_id` and any of VACAD's fields a line, or one JSON object of
clip ids with texts or `{"pred": text}`, as MU-LLaMA's answers were released.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Protocol

import msgspec
from msgspec import Meta

from musiscene.data.rows import MUSIC_FIELDS, Name, Provenance, Text, read_rows
from musiscene.errors import MusiSceneError
from musiscene.prompts import DESCRIBE_QUESTION

if TYPE_CHECKING:
    from pathlib import Path

    from musiscene.language_model import Sampling
    from musiscene.model import MusiScene

QUESTIONS: Final[dict[str, str]] = {
    "music_elements": DESCRIBE_QUESTION,
    "music_context": f"{DESCRIBE_QUESTION}. What is the context? What type of videos are suitable"
    " with this music?",
    "music_features": "Describe musical features from this audio in detail",
    "music_heard": "Describe what you hear",
}
"""Field -> what VACAD's authors asked MU-LLaMA."""
MAX_IMPORT_BYTES: Final = 1 << 28


class Clip(msgspec.Struct, frozen=True, kw_only=True):
    """One video clip."""

    clip_id: Annotated[str, Meta(min_length=1, max_length=1024)]
    """What it is known by."""
    path: str | None = None
    """The file, if it is here."""


class Caption(msgspec.Struct, frozen=True, kw_only=True):
    """One text about a clip."""

    text: str
    """Not empty."""
    provenance: Provenance
    """Where it comes from."""


class NoCaptionError(MusiSceneError):
    """Nothing is known about a clip."""


class VideoCaptioner(Protocol):
    """Says what is seen."""

    def describe_video(self, clip: Clip) -> Caption:
        """What is seen in a clip.

        Args:
            clip: With its file, if the captioner looks at it.

        Returns:
            The caption.

        Raises:
            NoCaptionError: If there is none for this clip.
        """


class MusicCaptioner(Protocol):
    """Says what is heard."""

    def describe_music(self, clip: Clip) -> dict[str, Caption]:
        """What is heard in a clip.

        Args:
            clip: With its file, if the captioner listens to it.

        Returns:
            Field of `MUSIC_FIELDS` -> caption; `music_elements` always.

        Raises:
            NoCaptionError: If there is none for this clip.
            AudioError: If its file cannot be heard.
        """


class ImportedRow(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says about a clip."""

    clip_id: Name
    """The clip."""
    video_caption: Text = ""
    """As in VACAD."""
    music_elements: Text = ""
    """As in VACAD."""
    music_context: Text = ""
    """As in VACAD."""
    music_features: Text = ""
    """As in VACAD."""
    music_heard: Text = ""
    """As in VACAD."""


class _Answer(msgspec.Struct, frozen=True):
    pred: Text


class ImportedCaptions:
    """Captions from a file; both a `VideoCaptioner` and a `MusicCaptioner`.

    Args:
        path: JSON Lines, or one JSON object.
        field: What the texts of a JSON object are.

    Attributes:
        clip_ids: The clips that the file speaks of, in order.

    Raises:
        MusiSceneError: If the file cannot be read or a line of it is none.
    """

    def __init__(self, path: Path, *, field: str = "video_caption") -> None:
        self._name = path.name
        rows = _read_object(path, field) if path.suffix == ".json" else _read_lines(path)
        self._rows = {row.clip_id: row for row in rows}
        self.clip_ids = tuple(self._rows)

    def describe_video(self, clip: Clip) -> Caption:
        """What the file says is seen in a clip.

        Args:
            clip: By its id.

        Returns:
            The caption.

        Raises:
            NoCaptionError: If the file has none.
        """
        found = self._found(clip, ("video_caption",))
        if "video_caption" not in found:
            raise NoCaptionError(f"no video caption in {self._name}")
        return found["video_caption"]

    def describe_music(self, clip: Clip) -> dict[str, Caption]:
        """What the file says is heard in a clip.

        Args:
            clip: By its id.

        Returns:
            Field -> caption.

        Raises:
            NoCaptionError: If the file has no `music_elements`.
        """
        found = self._found(clip, MUSIC_FIELDS)
        if "music_elements" not in found:
            raise NoCaptionError(f"no music caption in {self._name}")
        return found

    def _found(self, clip: Clip, fields: tuple[str, ...]) -> dict[str, Caption]:
        row = self._rows.get(clip.clip_id)
        texts = {} if row is None else {field: getattr(row, field).strip() for field in fields}
        source = Provenance(origin="import", name=self._name)
        return {
            field: Caption(text=text, provenance=source) for field, text in texts.items() if text
        }


class AskedMusic:
    """A `MusicCaptioner` that asks MusiScene VACAD's four questions.

    Args:
        model: Hears and answers.
        sampling: How a model with an ear draws its words.
    """

    def __init__(self, model: MusiScene, sampling: Sampling) -> None:
        self._model = model
        self._sampling = sampling

    def describe_music(self, clip: Clip) -> dict[str, Caption]:
        """What the model hears in a clip.

        Args:
            clip: With its file.

        Returns:
            Field -> caption, for the questions that it answers.

        Raises:
            NoCaptionError: If the clip has no file, or the model says nothing about its elements.
            AudioError: If the file cannot be heard.
        """
        if clip.path is None:
            raise NoCaptionError("no file to listen to, and no music caption to import")
        listening = self._model.listen(clip.path)
        answers = {
            field: " ".join("".join(self._model.answer(listening, asked, self._sampling)).split())
            for field, asked in QUESTIONS.items()
        }
        if not answers["music_elements"]:
            raise NoCaptionError("the model says nothing about the music")
        source = Provenance(
            origin="model", name=self._model.version, prompt="vacad-1", seed=self._sampling.seed
        )
        return {
            field: Caption(text=text, provenance=source) for field, text in answers.items() if text
        }


def _read_lines(path: Path) -> tuple[ImportedRow, ...]:
    read = read_rows(path, ImportedRow)
    if read.bad:
        raise MusiSceneError(f"{read.bad[0].place}: {read.bad[0].reason}")
    return read.good


def _read_object(path: Path, field: str) -> list[ImportedRow]:
    try:
        if path.stat().st_size > MAX_IMPORT_BYTES:
            raise MusiSceneError(f"{path}: is larger than {MAX_IMPORT_BYTES} bytes")
        texts = msgspec.json.decode(path.read_bytes(), type=dict[Name, Text | _Answer])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MusiSceneError(f"{path}: is no object of clip ids and texts: {error}") from error
    return [
        msgspec.convert(
            {"clip_id": clip_id, field: text if isinstance(text, str) else text.pred}, ImportedRow
        )
        for clip_id, text in texts.items()
    ]
