"""Results that are kept as they come, so that a run that was killed goes on where it was.

JSON Lines of `{"key": ..., "row": ...}`, UTF-8. Invariants: a line is written whole or, after a
kill, cut off at the next start; a key stands for everything that decides its row.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import msgspec

from musiscene.errors import MusiSceneError

if TYPE_CHECKING:
    from pathlib import Path

Row = TypeVar("Row")
KEY_DIGITS: Final = 24


class _Line(msgspec.Struct, frozen=True):
    key: str
    row: msgspec.Raw


class Kept(Generic[Row]):
    """Rows by key, in a file.

    Args:
        path: Is made, with its folder, if it does not exist.
        form: Of the rows.

    Raises:
        MusiSceneError: If the file cannot be read or written, or a line is of another form.
    """

    def __init__(self, path: Path, form: type[Row]) -> None:
        self._path = path
        self._rows: dict[str, Row] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            content = path.read_bytes() if path.exists() else b""
            whole = content[: content.rfind(b"\n") + 1]
            if whole != content:
                path.write_bytes(whole)
        except OSError as error:
            raise MusiSceneError(f"{path}: cannot be used: {error.strerror}") from error
        for number, text in enumerate(whole.splitlines(), start=1):
            try:
                line = msgspec.json.decode(text, type=_Line)
                self._rows[line.key] = msgspec.json.decode(line.row, type=form)
            except msgspec.MsgspecError as error:
                raise MusiSceneError(f"{path}:{number}: is none of ours: {error}") from error

    def __contains__(self, key: str) -> bool:
        return key in self._rows

    def __getitem__(self, key: str) -> Row:
        return self._rows[key]

    def __len__(self) -> int:
        return len(self._rows)

    def rows(self) -> list[Row]:
        """All of them, the oldest first."""
        return list(self._rows.values())

    def keep(self, key: str, row: Row) -> None:
        """Write a row behind those that are there.

        Args:
            key: From `key_of`.
            row: Of the form.

        Raises:
            MusiSceneError: If the file cannot be written.
        """
        try:
            with self._path.open("ab") as file:
                file.write(msgspec.json.encode({"key": key, "row": row}) + b"\n")
        except OSError as error:
            raise MusiSceneError(f"{self._path}: cannot be written: {error.strerror}") from error
        self._rows[key] = row


def key_of(*parts: Any) -> str:  # noqa: ANN401  whatever JSON can say
    """A key for everything that decides a row.

    Args:
        *parts: Numbers, texts and None.

    Returns:
        Hexadecimal digits.
    """
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:KEY_DIGITS]
