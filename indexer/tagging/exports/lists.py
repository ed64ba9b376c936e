"""Tracks as CSV, as JSON Lines, and as a file of JSON beside each."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any, Final

import msgspec

from indexer.errors import TagError
from indexer.tagging.keys import written_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from indexer.tagging.facts import TrackFacts
    from indexer.tagging.keys import KeyNotation

SIDECAR_SUFFIX: Final = ".musiscene.json"
SIDECAR_MARK: Final = "musiscene_sidecar"
SIDECAR_FORMAT: Final = 1
LIST_SEPARATOR: Final = "; "
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection)."""

COLUMNS: Final = (
    "path", "title", "artist", "album", "album_artist", "disc_number", "track_number",
    "duration_seconds", "bpm", "bpm_confidence", "key", "key_confidence", "moods",
    "mood_confidence", "genres", "instruments", "vocals", "vocal_probability", "valence",
    "arousal", "energy", "loudness_lufs", "scenes", "music", "licence", "model_version",
    "model_licences",
)  # fmt: skip


def csv_lines(tracks: Iterable[TrackFacts], *, notation: KeyNotation) -> Iterator[bytes]:
    """Tracks as CSV (RFC 4180, UTF-8), one a line, after a line of names.

    Args:
        tracks: In this order.
        notation: How keys are written.

    Yields:
        One line each. A text that a spreadsheet would take for a formula gets a `'` before it.
    """
    yield _csv_line(COLUMNS)
    for track in tracks:
        yield _csv_line([_cell(track, column, notation) for column in COLUMNS])


def json_lines(tracks: Iterable[TrackFacts]) -> Iterator[bytes]:
    """Tracks as JSON Lines, with everything that is known, their segments too."""
    for track in tracks:
        yield msgspec.json.encode(track) + b"\n"


def sidecar_path(track: TrackFacts, *, base: Path, out: Path | None) -> Path:
    """Where the JSON of a track goes.

    Args:
        track: The track.
        base: Folder that all of the tracks are below.
        out: Folder that mirrors `base`; None for beside the file.

    Returns:
        The path.
    """
    from pathlib import Path

    path = Path(track.path)
    folder = path.parent if out is None else out / path.parent.relative_to(base)
    return folder / (path.name + SIDECAR_SUFFIX)


def sidecar(track: TrackFacts, path: Path) -> bytes:
    """The JSON of a track, for a file beside it.

    Args:
        track: The track.
        path: Where it will be written.

    Returns:
        One indented document.

    Raises:
        TagError: If something is there that is no such file.
        OSError: If what is there cannot be read.
    """
    if path.exists():
        try:
            is_ours = SIDECAR_MARK in msgspec.json.decode(path.read_bytes())
        except (msgspec.DecodeError, UnicodeDecodeError, TypeError):
            is_ours = False
        if not is_ours:
            raise TagError(path, "is there already and is not ours; it is left as it is")
    document: dict[str, Any] = {SIDECAR_MARK: SIDECAR_FORMAT}
    document |= msgspec.to_builtins(track, builtin_types=())
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _csv_line(cells: Iterable[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().encode()


def _cell(track: TrackFacts, column: str, notation: KeyNotation) -> object:
    if column == "key":
        return written_key(track.key, notation)
    if column == "model_licences":
        value: Any = tuple(f"{one.model}: {one.licence}" for one in track.model_licences)
    else:
        value = getattr(track, column)
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    text = LIST_SEPARATOR.join(value) if isinstance(value, tuple) else str(value or "")
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
