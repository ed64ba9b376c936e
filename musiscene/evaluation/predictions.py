"""Predictions as JSON Lines, `{"clip_id": ..., "prediction": ...}` a line, UTF-8.

A file that this module writes has a neighbour, `NAME.origin`, one line that says which model and
seed the predictions are of. Invariants: a line is written whole or, after a kill, cut off at the
next start; predictions of two origins never stand in one file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import msgspec

from musiscene.errors import MusiSceneError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """What a system says of one row."""

    clip_id: str
    """Of the row."""
    prediction: str
    """One text."""


def read_predictions(path: Path) -> dict[str, str]:
    """Read predictions, whoever made them.

    Args:
        path: JSON Lines; further fields are ignored.

    Returns:
        Clip id -> prediction, in the order of the file.

    Raises:
        MusiSceneError: If the file cannot be read, a line is no prediction, or a clip has two.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise MusiSceneError(f"{path}: cannot be read: {error.strerror}") from error
    found: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line, type=Prediction)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise MusiSceneError(f"{path}:{number}: no prediction: {error}") from error
        if row.clip_id in found:
            raise MusiSceneError(f"{path}:{number}: {row.clip_id} has a prediction already")
        found[row.clip_id] = row.prediction
    return found


class PredictionFile:
    """Predictions that are kept as they are made, so that a run can go on where it was stopped.

    Args:
        path: The file.
        kept: What it holds.

    Attributes:
        kept: Clip id -> prediction.
    """

    def __init__(self, path: Path, kept: dict[str, str]) -> None:
        self._path = path
        self.kept = kept

    @classmethod
    def open(cls, path: Path, *, origin: str) -> Self:
        """Go on with a file, or begin one.

        Args:
            path: The file; its folder is made.
            origin: Model, seed and whatever else decides what is predicted.

        Returns:
            The file.

        Raises:
            MusiSceneError: If its predictions are of another origin, or it cannot be read or
                written.
        """
        origin_path = path.with_name(path.name + ".origin")
        try:
            if not path.exists() or not path.stat().st_size:
                path.parent.mkdir(parents=True, exist_ok=True)
                origin_path.write_text(origin + "\n", "utf-8")
                path.touch()
                return cls(path, {})
            found = origin_path.read_text("utf-8").strip() if origin_path.exists() else "unknown"
            if found != origin:
                raise MusiSceneError(
                    f"{path}: holds predictions of another origin ({found}, not {origin}); remove"
                    f" it, or compare with it by --import NAME={path}"
                )
            content = path.read_bytes()
            path.write_bytes(content[: content.rfind(b"\n") + 1])
        except OSError as error:
            raise MusiSceneError(f"{path}: cannot be used: {error.strerror}") from error
        return cls(path, read_predictions(path))

    def keep(self, predictions: Mapping[str, str]) -> None:
        """Write predictions behind those that are there.

        Args:
            predictions: Clip id -> prediction.

        Raises:
            MusiSceneError: If the file cannot be written.
        """
        lines = b"".join(
            msgspec.json.encode(Prediction(clip_id=clip_id, prediction=text)) + b"\n"
            for clip_id, text in predictions.items()
        )
        try:
            with self._path.open("ab") as file:
                file.write(lines)
        except OSError as error:
            raise MusiSceneError(f"{self._path}: cannot be written: {error.strerror}") from error
        self.kept.update(predictions)
