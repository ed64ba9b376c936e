"""Markers of Final Cut Pro.

A marker's `start` is in the time of its clip; a clip's `offset` in the time of what holds it, and
its own time begins at its `start`. Source: Apple, "FCPXML Reference", timing attributes.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Final
from xml.parsers import expat  # nosec B406, B407 - entities are refused below

from musiscene.video.captions.times import Found

if TYPE_CHECKING:
    from collections.abc import Mapping

TIME: Final = re.compile(r"(-?\d{1,15})(?:/([1-9]\d{0,9}))?s", re.ASCII)
DECIMAL: Final = re.compile(r"-?\d{1,9}\.\d{1,9}s", re.ASCII)
MARKERS: Final = frozenset({"marker", "chapter-marker"})
HOLDERS: Final = frozenset({
    "asset-clip", "audio", "clip", "gap", "mc-clip", "ref-clip", "sequence", "spine", "sync-clip",
    "title", "video",
})  # fmt: skip
MOST_DEPTH: Final = 64


class _Place:
    """Where the time of an element lies on the timeline."""

    def __init__(self, begins: Fraction, local: Fraction) -> None:
        self._shift = begins - local

    def on_timeline(self, local: Fraction) -> Fraction:
        return local + self._shift


class _Reader:
    def __init__(self) -> None:
        self.found: list[Found] = []
        self._places = [_Place(Fraction(0), Fraction(0))]
        self._depth = 0
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._begin
        self._parser.EndElementHandler = self._end
        self._parser.EntityDeclHandler = self._refuse
        self._parser.ExternalEntityRefHandler = self._refuse

    def read(self, text: str) -> list[Found]:
        try:
            self._parser.Parse(text.encode(), True)  # noqa: FBT003  # its only way
        except expat.ExpatError as error:
            said = expat.ErrorString(error.code)
            raise ValueError(f"line {error.lineno}: is broken XML: {said}") from error
        return self.found

    def _refuse(self, *_: object) -> int:
        raise ValueError(f"{self._line}: declares an entity, which no editor writes")

    @property
    def _line(self) -> str:
        return f"line {self._parser.CurrentLineNumber}"

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise ValueError(f"{self._line}: its elements are nested too deep")
        if name in MARKERS:
            self._mark(attributes)
        if name in HOLDERS:
            self._places.append(self._place(name, attributes))

    def _end(self, name: str) -> None:
        self._depth -= 1
        if name in HOLDERS:
            self._places.pop()

    def _place(self, name: str, attributes: Mapping[str, str]) -> _Place:
        if name == "sequence":
            return _Place(Fraction(0), self._time(attributes, "tcStart"))
        if name == "spine" and "offset" not in attributes:
            return self._places[-1]
        begins = self._places[-1].on_timeline(self._time(attributes, "offset"))
        return _Place(begins, self._time(attributes, "start"))

    def _mark(self, attributes: Mapping[str, str]) -> None:
        start = self._places[-1].on_timeline(self._time(attributes, "start"))
        if start < 0:
            raise ValueError(f"{self._line}: a marker lies before the beginning")
        said = [attributes.get("value", "").strip(), attributes.get("note", "").strip()]
        self.found.append(
            Found(
                line=self._parser.CurrentLineNumber,
                start=f"{float(start):.6f}",
                text=": ".join(filter(None, said)),
            )
        )

    def _time(self, attributes: Mapping[str, str], name: str) -> Fraction:
        written = attributes.get(name, "0s").strip()
        rational = TIME.fullmatch(written)
        if rational is not None:
            return Fraction(int(rational[1]), int(rational[2] or 1))
        if DECIMAL.fullmatch(written) is not None:
            return Fraction(written[:-1])
        raise ValueError(f"{self._line}: {written[:40]!r} is no time such as 1001/30000s")


def fcpxml_markers(text: str) -> list[Found]:
    """The markers of an `.fcpxml` file, in the order of the file.

    Args:
        text: Of the file.

    Returns:
        Each of them, with seconds from the beginning of its timeline.

    Raises:
        ValueError: If it is broken or hostile; the message names the line.
    """
    return _Reader().read(text)
