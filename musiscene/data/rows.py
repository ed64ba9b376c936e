"""Rows of data as JSON Lines: one JSON object a line, UTF-8.

Three forms are read: VACAD's (`music_elements`), MusicCaps' with its scene sentences taken out
(`aspects`), and the common form that both become, `SceneExample` (`source`). Unknown fields are
ignored. A line that cannot be read is listed with its number and the field, and the rest goes on.

Source: arXiv:2507.05894 (VACAD); Agostinelli et al. 2023, arXiv:2301.11325 (MusicCaps).
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final, Generic, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from musiscene.errors import MusiSceneError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from typing import BinaryIO

MAX_LINE_BYTES: Final = 1 << 20
MAX_ROWS: Final = 1_000_000
VACAD_LICENCE: Final = "none stated; for research only, not to be passed on"
MUSICCAPS_LICENCE: Final = "CC BY-SA 4.0"
MUSIC_FIELDS: Final = ("music_elements", "music_context", "music_features", "music_heard")
"""VACAD's music captions, in the order of their questions."""

Split: TypeAlias = Literal["train", "validation", "test"]
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=1024)]
Text: TypeAlias = Annotated[str, Meta(max_length=20_000)]


class TextSampling(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a language model drew a text; the defaults are those of VACAD's fusions."""

    temperature: Annotated[float, Meta(ge=0.0)] = 0.7
    """Divides the logits; 0 takes the likeliest token."""
    top_p: Annotated[float, Meta(gt=0.0, le=1.0)] = 0.95
    """Only the likeliest tokens that together hold this probability are drawn."""
    top_k: Annotated[int, Meta(ge=0)] = 40
    """Only so many of the likeliest tokens are drawn; 0 for no such limit."""
    max_new_tokens: Annotated[int, Meta(ge=1)] = 512
    """Longer texts are cut."""


class Provenance(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where one text of a row comes from."""

    origin: Literal["model", "import"]
    """Written by a model in this run, or taken from a file."""
    name: str
    """The model, or the file."""
    prompt: str = ""
    """Version of the prompt."""
    sampling: TextSampling | None = None
    """How it was drawn."""
    seed: int | None = None
    """Of the attempt that was kept."""
    attempts: int = 1
    """How many answers were asked for."""
    created_at: datetime | None = None
    """When, in UTC."""


class VacadRow(msgspec.Struct, frozen=True, kw_only=True):
    """One video clip of VACAD."""

    clip_id: Name
    """YouTube's."""
    video_caption: Text = ""
    """What is seen."""
    music_elements: Text
    """Answer on mood, rhythm and genre."""
    music_context: Text = ""
    """Answer on context and on videos that suit."""
    music_features: Text = ""
    """Answer on musical features in detail."""
    music_heard: Text = ""
    """Answer on what is heard."""
    fused_music: Text = ""
    """The music, from picture and music caption together."""
    fused_scene: Text = ""
    """The scene, from both together; empty where the authors' fusion is."""
    question: Text = ""
    """What the scene answers; empty in the authors' rows."""
    provenance: dict[str, Provenance] = {}
    """Field -> where its text comes from; empty in the authors' rows."""


class MusicCapsRow(msgspec.Struct, frozen=True, kw_only=True):
    """Ten seconds of music in a musician's words."""

    clip_id: Name
    """YouTube's."""
    start_seconds: int = 0
    """In the clip."""
    end_seconds: int = 0
    """In the clip."""
    author_id: int = 0
    """The annotator."""
    aspects: tuple[Text, ...]
    """Short phrases."""
    description: Text
    """Sentences on the music alone."""
    scene: Text = ""
    """Sentences on where the music belongs; often empty."""


class SceneExample(msgspec.Struct, frozen=True, kw_only=True):
    """One lesson of Music Scene Imagination: music in words, and a scene that it suits."""

    id: Name
    """Unique within a source."""
    source: Name
    """Data set."""
    group: Name
    """What must not stand in two splits: an artist, or a clip."""
    music: dict[str, Text]
    """Name of the field -> text about the music."""
    scene: Text
    """The scene; empty if none is known."""
    question: Text = ""
    """What the scene answers, if a certain question was asked."""
    split: Split | None = None
    """Where it belongs, once that is decided."""
    annotator: str = ""
    """Who wrote it, where that is known."""
    licence: str = ""
    """Of the texts."""
    provenance: dict[str, Provenance] = {}
    """Field -> where its text comes from."""

    @property
    def music_text(self) -> str:
        """All that is said about the music, a field a line."""
        return "\n".join(filter(None, self.music.values()))

    @property
    def music_line(self) -> str:
        """All that is said about the music in one line, each field ended by a full stop."""
        fields = [" ".join(text.split()) for text in self.music.values() if text.strip()]
        return " ".join(text if text[-1] in ".!?" else f"{text}." for text in fields)


class BadRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line that cannot be used."""

    path: str
    """The file."""
    line: int
    """From 1."""
    reason: str
    """What is wrong, with the field."""

    @property
    def place(self) -> str:
        """File and line."""
        return f"{self.path}:{self.line}"


Row = TypeVar("Row")


class Rows(msgspec.Struct, Generic[Row], frozen=True, kw_only=True):
    """What a file holds."""

    good: tuple[Row, ...]
    """In order."""
    bad: tuple[BadRow, ...]
    """In order."""


def read_rows(path: Path, form: type[Row]) -> Rows[Row]:
    """Read a file of rows of one form.

    Args:
        path: JSON Lines.
        form: A struct.

    Returns:
        The rows, and the lines that are none.

    Raises:
        MusiSceneError: If the file cannot be read, or has more than `MAX_ROWS` lines.
    """
    return _read(path, lambda line: msgspec.json.decode(line, type=form))


def read_examples(path: Path, *, split: Split | None = None) -> Rows[SceneExample]:
    """Read a file whose rows have any of the three forms.

    Args:
        path: JSON Lines.
        split: Of the rows that state none.

    Returns:
        The rows in the common form, and the lines that have none of the forms or whose id has
        been seen before.

    Raises:
        MusiSceneError: If the file cannot be read, or has more than `MAX_ROWS` lines.
    """
    seen: set[tuple[str, str]] = set()

    def decode(line: bytes) -> SceneExample:
        example = _example_of(msgspec.json.decode(line))
        _require((example.source, example.id) not in seen, f"the id {example.id} was seen before")
        seen.add((example.source, example.id))
        return msgspec.structs.replace(example, split=example.split or split)

    return _read(path, decode)


def example_from_vacad(row: VacadRow) -> SceneExample:
    """The lesson of a VACAD row.

    `fused_music` is left out: it was written from the video caption too, so it gives the scene
    away.

    Args:
        row: From VACAD.

    Returns:
        The lesson, grouped by clip.
    """
    return SceneExample(
        id=row.clip_id,
        source="vacad",
        group=row.clip_id,
        music={name: getattr(row, name) for name in MUSIC_FIELDS},
        scene=row.fused_scene.strip(),
        question=row.question,
        licence=VACAD_LICENCE,
        provenance=row.provenance,
    )


def example_from_musiccaps(row: MusicCapsRow) -> SceneExample:
    """The lesson of a MusicCaps row.

    Args:
        row: From MusicCaps.

    Returns:
        The lesson, grouped by clip.
    """
    return SceneExample(
        id=row.clip_id,
        source="musiccaps",
        group=row.clip_id,
        music={"aspects": ", ".join(row.aspects), "description": row.description},
        scene=row.scene.strip(),
        annotator=str(row.author_id),
        licence=MUSICCAPS_LICENCE,
    )


def write_rows(path: Path, rows: Iterable[msgspec.Struct]) -> None:
    """Write rows as JSON Lines, whole or not at all.

    Args:
        path: Is replaced if it exists; its folder is made.
        rows: Structs.

    Raises:
        MusiSceneError: If the file cannot be written.
    """
    write_whole(path, (msgspec.json.encode(row) + b"\n" for row in rows))


def write_whole(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file whole or not at all.

    Args:
        path: Is replaced if it exists; its folder is made.
        pieces: Of the file.

    Raises:
        MusiSceneError: If the file cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise MusiSceneError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def _read(path: Path, decode: Callable[[bytes], Row]) -> Rows[Row]:
    good: list[Row] = []
    bad: list[BadRow] = []
    for number, line in _lines(path):
        try:
            _require(len(line) <= MAX_LINE_BYTES, f"is longer than {MAX_LINE_BYTES} bytes")
            good.append(decode(line))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            bad.append(BadRow(path=str(path), line=number, reason=str(error)))
    return Rows(good=tuple(good), bad=tuple(bad))


def _require(is_met: bool, reason: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not is_met:
        raise msgspec.ValidationError(reason)


def _example_of(row: object) -> SceneExample:
    fields = row.keys() if isinstance(row, dict) else frozenset()
    if "source" in fields:
        return msgspec.convert(row, SceneExample)
    if "music_elements" in fields:
        return example_from_vacad(msgspec.convert(row, VacadRow))
    _require("aspects" in fields, "has none of the fields `source`, `music_elements`, `aspects`")
    return example_from_musiccaps(msgspec.convert(row, MusicCapsRow))


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(MAX_LINE_BYTES + 1):
                number += 1
                if number > MAX_ROWS:
                    raise MusiSceneError(f"{path}: has more than {MAX_ROWS} lines")
                if len(line) > MAX_LINE_BYTES:  # a part of it is enough to refuse it
                    _skip_line(file, line)
                if line.strip():
                    yield number, line
    except OSError as error:
        raise MusiSceneError(f"{path}: cannot be read: {error.strerror}") from error


def _skip_line(file: BinaryIO, line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = file.readline(MAX_LINE_BYTES)
