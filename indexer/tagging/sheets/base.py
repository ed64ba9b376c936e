"""What the tags of one file can do, whatever its container."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

OURS: Final = "MUSISCENE_"
"""What the names of the fields that are ours alone begin with."""

JOINED: Final = "; "
"""Between the values of a list where there is but one value."""

Raw = dict[str, Any]
"""A field as the file holds it, every byte of it, for JSON."""


def is_filled(field: str, values: tuple[str, ...]) -> bool:
    """Whether a field says something: blanks do not, nor does the tempo 0 of many shops."""
    said = [value.strip() for value in values]
    return any(text.strip("0.") if field == "bpm" else text for text in said)


class TextError(ValueError):
    """Some text in the tags is not in the encoding that it claims, and would not be kept."""


class FieldNames(msgspec.Struct, frozen=True):
    """What one container calls a field that other programs read too."""

    written: str
    """The name that is written."""
    also: tuple[str, ...] = ()
    """Names under which other programs write the same."""


class TagSheet(ABC):
    """The tags of one file: reads and changes fields in memory, until `save`.

    Attributes:
        format: The kind of tags, for people.
    """

    format: str
    standard: dict[str, FieldNames]
    """Of the fields that other programs read too."""

    def name_of(self, field: str) -> str:
        """What a field is called here when it is written."""
        if field in self.standard:
            return self.standard[field].written
        return self.own_name(field)

    def present(self, field: str) -> list[str]:
        """The names under which a field is here, those of other programs among them."""
        names = self.standard.get(field)
        wanted = (self.name_of(field), *(names.also if names else ()))
        return [name for name in wanted if is_filled(field, self.values(name))]

    def spelled(self, field: str, values: tuple[str, ...]) -> tuple[str, ...]:
        """Values as this container holds them: tempo as a whole number, our lists as one text.

        Many programs (FFmpeg is one) read the first value alone of what is no Vorbis comment.
        """
        if field == "bpm":
            return tuple(str(round(float(value))) for value in values)
        is_list = field in self.standard or not values
        return values if is_list else (JOINED.join(values),)

    @abstractmethod
    def own_name(self, field: str) -> str:
        """What one of our own fields is called here."""

    @abstractmethod
    def values(self, name: str) -> tuple[str, ...]:
        """What a field holds, as text; nothing where it is not there."""

    @abstractmethod
    def put(self, name: str, values: tuple[str, ...]) -> None:
        """Give a field these values; none removes it."""

    @abstractmethod
    def raw(self, name: str) -> Raw | None:
        """A field exactly as it is, None where it is not there."""

    @abstractmethod
    def restore(self, name: str, raw: Raw | None) -> None:
        """Make a field exactly what it was."""

    @abstractmethod
    def others(self, names: Iterable[str]) -> object:
        """Everything but some fields, to be compared with the same of another sheet."""

    @abstractmethod
    def save(self, path: Path) -> None:
        """Write the tags into a copy of the file that they were read from."""
