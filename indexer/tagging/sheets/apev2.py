"""APEv2 tags: of WavPack, Musepack, Monkey's Audio, OptimFROG and TAK files.

Source: wiki.hydrogenaud.io, APEv2 specification and APE key.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from indexer.tagging.sheets.base import FieldNames, Raw, TagSheet
from indexer.tagging.sheets.id3 import id3v1_of, put_back_id3v1

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

TEXT, BINARY, EXTERNAL = range(3)


class ApeSheet(TagSheet):
    """Named items; names know no case.

    Args:
        file: As mutagen has read it.
    """

    format = "APEv2"
    standard = {  # noqa: RUF012  as the base class declares it
        "bpm": FieldNames("BPM"),
        "key": FieldNames("INITIALKEY", ("KEY",)),
        "mood": FieldNames("MOOD"),
        "genre": FieldNames("Genre"),
        "grouping": FieldNames("Grouping"),
        "comment": FieldNames("Comment"),
    }

    def __init__(self, file: Any) -> None:  # noqa: ANN401  one of mutagen's classes
        self._file = file
        if file.tags is None:
            file.add_tags()
        self._tags = file.tags

    def own_name(self, field: str) -> str:
        """The name as it is."""
        return field

    def spelled(self, field: str, values: tuple[str, ...]) -> tuple[str, ...]:
        """Tempo may have decimals here."""
        return values if field == "bpm" else super().spelled(field, values)

    def values(self, name: str) -> tuple[str, ...]:
        """The texts of an item."""
        value = self._tags.get(name)
        if value is None:
            return ()
        return tuple(value) if value.kind == TEXT else (str(value),)

    def put(self, name: str, values: tuple[str, ...]) -> None:
        """A text item."""
        if values:
            self._tags[name] = list(values)
        elif name in self._tags:
            del self._tags[name]

    def raw(self, name: str) -> Raw | None:
        """The item's bytes, its kind, and its name as written."""
        for key, value in self._tags.items():
            if key.casefold() == name.casefold():
                data = value.value if value.kind == BINARY else value.value.encode()
                packed = base64.b64encode(data).decode()
                return {"key": key, "kind": value.kind, "data": packed}
        return None

    def restore(self, name: str, raw: Raw | None) -> None:
        """The item as it was."""
        from mutagen.apev2 import APEValue

        if name in self._tags:
            del self._tags[name]
        if raw:
            data = base64.b64decode(raw["data"])
            value = data if raw["kind"] == BINARY else data.decode()
            self._tags[raw["key"]] = APEValue(value, raw["kind"])

    def others(self, names: Iterable[str]) -> object:
        """Every other item."""
        touched = {name.casefold() for name in names}
        return {
            key: (value.kind, value.value)
            for key, value in self._tags.items()
            if key.casefold() not in touched
        }

    def save(self, path: Path) -> None:
        """Write the items; an old ID3v1 tag at the end, which mutagen drops, is put back."""
        end = id3v1_of(path)
        self._file.save(path)
        put_back_id3v1(path, end)
