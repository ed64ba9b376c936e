"""Texts that several requests want read at the same moment are read together.

A network reads eight short texts in far less than eight times the time of one. The first request is
read at once and alone; those that come meanwhile are read together as soon as it is done. Nobody
waits for others to come.
"""

from __future__ import annotations

from threading import Condition
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import msgspec

from musiscene.embed import TextEmbedder
from musiscene.scene_reader import SceneReader, SceneScores

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

MOST_TEXTS: Final = 64
"""Read together; a request with more of them is read alone."""

Result = TypeVar("Result")


class Gathering(Generic[Result]):
    """Calls a function for several threads at once, with the texts of all of them.

    Args:
        work: Texts -> a result with one row for each.
        rows: The result, first row, row after the last -> the result of those rows alone.
    """

    def __init__(
        self, work: Callable[[list[str]], Result], rows: Callable[[Result, int, int], Result]
    ) -> None:
        self._work = work
        self._rows = rows
        self._changed = Condition()
        self._waiting: list[_Asked[Result]] = []
        self._is_busy = False

    def __call__(self, texts: Sequence[str]) -> Result:
        """What the function gives for these texts.

        Args:
            texts: Any number.

        Returns:
            One row for each.
        """
        mine: _Asked[Result] = _Asked(list(texts))
        with self._changed:
            self._waiting.append(mine)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: mine.is_done or not self._is_busy)
                if mine.is_done:
                    return mine.outcome()
                self._is_busy = True
                together = self._take()
            self._run(together)

    def _take(self) -> list[_Asked[Result]]:
        """Those that waited longest; at least one."""
        count, texts = 0, 0
        for one in self._waiting:
            texts += len(one.texts)
            if count and texts > MOST_TEXTS:
                break
            count += 1
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken

    def _run(self, together: list[_Asked[Result]]) -> None:
        try:
            found = self._work([text for one in together for text in one.texts])
            first = 0
            for one in together:
                one.found = self._rows(found, first, first + len(one.texts))
                first += len(one.texts)
        except BaseException as error:  # noqa: BLE001  every thread that waits has to hear of it
            for one in together:
                one.error = error
        finally:
            with self._changed:
                for one in together:
                    one.is_done = True
                self._is_busy = False
                self._changed.notify_all()


class _Asked(Generic[Result]):
    """What one thread waits for."""

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts
        self.found: Result | None = None
        self.error: BaseException | None = None
        self.is_done = False

    def outcome(self) -> Result:
        if self.error is not None:
            raise self.error
        found: Any = self.found
        return found  # type: ignore[no-any-return]


class GatheringEmbedder(TextEmbedder):
    """A text embedder that reads the texts of several threads together.

    Args:
        embedder: Reads them.
    """

    def __init__(self, embedder: TextEmbedder) -> None:
        self._embedder = embedder
        self._gathering: Gathering[NDArray[np.float32]] = Gathering(
            embedder.encode, lambda vectors, first, end: vectors[first:end]
        )

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._embedder.dimension

    @property
    def version(self) -> str:
        """Of the embedder."""
        return self._embedder.version

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `TextEmbedder.encode`.

        Args:
            texts: Any number, any length.

        Returns:
            Unit vectors, float32, shape (texts, dimension).
        """
        return self._gathering(texts) if texts else self._embedder.encode(texts)


class GatheringReader(SceneReader):
    """A scene reader that reads the texts of several threads together.

    Args:
        reader: Reads them.
    """

    def __init__(self, reader: SceneReader) -> None:
        self._gathering: Gathering[SceneScores] = Gathering(reader.read, _rows_of)

    def read(self, texts: Sequence[str]) -> SceneScores:
        """As `SceneReader.read`.

        Args:
            texts: Any number.

        Returns:
            The scores, in their order.
        """
        return self._gathering(texts)


def _rows_of(scores: SceneScores, first: int, end: int) -> SceneScores:
    return SceneScores(
        **{name: values[first:end] for name, values in msgspec.structs.asdict(scores).items()}
    )
