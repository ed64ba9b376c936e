"""MP4 tags, as iTunes writes them: four-letter atoms, and free ones with a name.

Source: Apple, QuickTime File Format, metadata; the names of the free atoms are those of mp3tag's
and MusicBrainz Picard's tables.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from indexer.tagging.sheets.base import FieldNames, Raw, TagSheet

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FREE: Final = "----:com.apple.iTunes:"
LARGEST_TEMPO: Final = 65_535


class Mp4Sheet(TagSheet):
    """Atoms below `moov.udta.meta.ilst`.

    Args:
        file: As mutagen has read it.
    """

    format = "MP4 atoms"
    standard = {  # noqa: RUF012  as the base class declares it
        "bpm": FieldNames("tmpo", (FREE + "BPM",)),
        "key": FieldNames(FREE + "initialkey", (FREE + "KEY",)),
        "mood": FieldNames(FREE + "MOOD"),
        "genre": FieldNames("\xa9gen"),
        "grouping": FieldNames("\xa9grp"),
        "comment": FieldNames("\xa9cmt"),
    }

    def __init__(self, file: Any) -> None:  # noqa: ANN401  mutagen's class
        self._file = file
        if file.tags is None:
            file.add_tags()
        self._tags = file.tags

    def own_name(self, field: str) -> str:
        """A free atom."""
        return FREE + field

    def values(self, name: str) -> tuple[str, ...]:
        """Of the atoms of that name; free names know no case."""
        return tuple(_text(value) for key in self._keys(name) for value in self._tags[key])

    def put(self, name: str, values: tuple[str, ...]) -> None:
        """One atom in place of those of that name."""
        from mutagen.mp4 import MP4FreeForm

        keys = self._keys(name)
        for key in keys:
            del self._tags[key]
        if not values:
            return
        if name == "tmpo":
            self._tags[name] = [min(int(value), LARGEST_TEMPO) for value in values]
        elif name.startswith(FREE):
            free = [MP4FreeForm(value.encode()) for value in values]
            self._tags[keys[0] if keys else name] = free
        else:
            self._tags[name] = list(values)

    def raw(self, name: str) -> Raw | None:
        """The atoms with their data types."""
        atoms = {key: [_packed(value) for value in self._tags[key]] for key in self._keys(name)}
        return atoms or None

    def restore(self, name: str, raw: Raw | None) -> None:
        """The atoms as they were."""
        for key in self._keys(name):
            del self._tags[key]
        for key, values in (raw or {}).items():
            self._tags[key] = [_unpacked(value) for value in values]

    def others(self, names: Iterable[str]) -> object:
        """Every other atom."""
        touched = {key for name in names for key in self._keys(name)}
        return {key: repr(value) for key, value in self._tags.items() if key not in touched}

    def save(self, path: Path) -> None:
        """Write the atoms."""
        self._file.save(path)

    def _keys(self, name: str) -> list[str]:
        if not name.startswith(FREE):
            return [name] if self._tags.get(name) else []
        return [key for key in self._tags if key.casefold() == name.casefold()]


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _packed(value: Any) -> Any:  # noqa: ANN401  a number, a text or a free atom
    if isinstance(value, bytes):
        data = base64.b64encode(value).decode()
        kind, version = getattr(value, "dataformat", 1), getattr(value, "version", 0)
        return {"data": data, "format": int(kind), "version": version}
    return value


def _unpacked(value: Any) -> Any:  # noqa: ANN401  as above
    from mutagen.mp4 import AtomDataType, MP4FreeForm

    if not isinstance(value, dict):
        return value
    kind = AtomDataType(value["format"])
    return MP4FreeForm(base64.b64decode(value["data"]), kind, value["version"])
