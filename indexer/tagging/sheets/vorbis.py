"""Vorbis comments: of FLAC files and of Ogg streams (Vorbis, Opus, FLAC, Speex).

Source: xiph.org, Ogg Vorbis I format specification, comment field and header specification.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from indexer.tagging.sheets.base import FieldNames, Raw, TagSheet, TextError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

REPLACED = "\ufffd"


class VorbisSheet(TagSheet):
    """A list of names and values; names know no case and may come several times.

    Args:
        file: As mutagen has read it.
    """

    format = "Vorbis comment"
    standard = {  # noqa: RUF012  as the base class declares it
        "bpm": FieldNames("BPM", ("TEMPO", "TBPM")),
        "key": FieldNames("INITIALKEY", ("KEY", "INITIAL KEY", "INITIAL_KEY")),
        "mood": FieldNames("MOOD"),
        "genre": FieldNames("GENRE"),
        "grouping": FieldNames("GROUPING"),
        "comment": FieldNames("COMMENT", ("DESCRIPTION",)),
    }

    def __init__(self, file: Any) -> None:  # noqa: ANN401  one of mutagen's classes
        self._file = file
        if file.tags is None:
            file.add_tags()
        # As a mapping it would be asked for its keys.
        self._pairs: list[tuple[str, str]] = list(list.__iter__(file.tags))

    def own_name(self, field: str) -> str:
        """The name as it is."""
        return field

    def spelled(self, field: str, values: tuple[str, ...]) -> tuple[str, ...]:
        """Tempo may have decimals here, and everything may be a list."""
        del field
        return values

    def values(self, name: str) -> tuple[str, ...]:
        """Of all comments of that name, in order."""
        return tuple(value for key, value in self._pairs if key.casefold() == name.casefold())

    def put(self, name: str, values: tuple[str, ...]) -> None:
        """Put where the first of that name stood, or at the end."""
        self._replace(name, [(name, value) for value in values])

    def raw(self, name: str) -> Raw | None:
        """The comments with their names as written."""
        pairs = [pair for pair in self._pairs if pair[0].casefold() == name.casefold()]
        return {"comments": [list(pair) for pair in pairs]} if pairs else None

    def restore(self, name: str, raw: Raw | None) -> None:
        """The comments as they were."""
        self._replace(name, [(key, value) for key, value in (raw["comments"] if raw else ())])

    def others(self, names: Iterable[str]) -> object:
        """All other comments in order, and the encoder's name."""
        touched = {name.casefold() for name in names}
        pictures = getattr(self._file, "pictures", ())
        blocks = getattr(self._file, "metadata_blocks", ())
        return (
            self._file.tags.vendor,
            [pair for pair in self._pairs if pair[0].casefold() not in touched],
            [picture.write() for picture in pictures],
            [(block.code, block.write()) for block in blocks if block.code not in {1, 4, 6}],
        )

    def save(self, path: Path) -> None:
        """Write the comments.

        Args:
            path: A copy of the file they were read from.

        Raises:
            TextError: If one of them would not be kept.
        """
        for _, value in self._pairs:
            if REPLACED in value:
                raise TextError("its tags hold text that is not UTF-8 and would not be kept")
        self._file.tags[:] = self._pairs
        self._file.save(path)

    def _replace(self, name: str, fresh: list[tuple[str, str]]) -> None:
        folded = name.casefold()
        places = [at for at, (key, _) in enumerate(self._pairs) if key.casefold() == folded]
        first = places[0] if places else len(self._pairs)
        before = self._pairs[:first]
        after = [pair for pair in self._pairs[first:] if pair[0].casefold() != folded]
        self._pairs = [*before, *fresh, *after]
