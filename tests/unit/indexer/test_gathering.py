from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from indexer.gathering import MOST_TEXTS, Gathering, GatheringEmbedder, GatheringReader
from tests.support.listening import WordEmbedder, word_reader

if TYPE_CHECKING:
    from musiscene.embed import TextEmbedder


class SlowWork:
    """Gives each text its length; waits in its first call until it is let go."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.has_begun = threading.Event()
        self.goes_on = threading.Event()

    def __call__(self, texts: list[str]) -> list[int]:
        self.calls.append(texts)
        self.has_begun.set()
        assert self.goes_on.wait(10)
        if "bad" in texts:
            raise ValueError("bad")
        return [len(text) for text in texts]


def gathered(work: SlowWork) -> Gathering[list[int]]:
    return Gathering(work, lambda found, first, end: found[first:end])


def ask_while_busy(
    work: SlowWork, requests: list[list[str]]
) -> tuple[Gathering[list[int]], list[list[int] | BaseException]]:
    """The outcomes of requests that all came while a first one was being read."""
    gathering = gathered(work)
    with ThreadPoolExecutor(len(requests) + 1) as pool:
        first = pool.submit(gathering, ["first"])
        assert work.has_begun.wait(10)
        others = []
        for number, texts in enumerate(requests, start=1):
            others.append(pool.submit(gathering, texts))
            while len(gathering._waiting) < number:
                pass
        work.goes_on.set()
        assert first.result(10) == [5]
        outcomes = [one.exception(10) or one.result() for one in others]
    return gathering, outcomes


class TestGathering:
    def test_one_request_alone_is_read_at_once(self):
        work = SlowWork()
        work.goes_on.set()
        assert gathered(work)(["a", "bb"]) == [1, 2]
        assert work.calls == [["a", "bb"]]

    def test_requests_that_come_meanwhile_are_read_together_and_get_their_own(self):
        work = SlowWork()
        _, outcomes = ask_while_busy(work, [["a"], ["bb", "ccc"], ["dddd"]])
        assert outcomes == [[1], [2, 3], [4]]
        assert work.calls == [["first"], ["a", "bb", "ccc", "dddd"]]

    def test_a_large_request_does_not_make_the_others_larger(self):
        work = SlowWork()
        large = ["x"] * MOST_TEXTS
        _, outcomes = ask_while_busy(work, [["a"], large, ["b"]])
        assert outcomes == [[1], [1] * MOST_TEXTS, [1]]
        assert [len(one) for one in work.calls] == [1, 1, MOST_TEXTS, 1]

    def test_an_error_reaches_everybody_who_waited_and_nobody_after(self):
        work = SlowWork()
        gathering, outcomes = ask_while_busy(work, [["a"], ["bad"]])
        assert [str(one) for one in outcomes] == ["bad", "bad"]
        assert gathering(["good"]) == [4]

    def test_many_threads_get_what_they_asked_for(self):
        gathering: Gathering[list[int]] = Gathering(
            lambda texts: [len(text) for text in texts],
            lambda found, first, end: found[first:end],
        )
        asked = [["x" * (number % 17), "y" * (number % 5)] for number in range(500)]
        with ThreadPoolExecutor(16) as pool:
            found = list(pool.map(gathering, asked))
        assert found == [[len(text) for text in texts] for texts in asked]


class TestGatheringEmbedder:
    def test_gives_what_the_embedder_gives(self):
        plain = cast("TextEmbedder", WordEmbedder())
        embedder = GatheringEmbedder(plain)
        texts = ["rain on a street", "a still lake", "rain"]
        np.testing.assert_array_equal(embedder.encode(texts), plain.encode(texts))
        assert embedder.encode([]).shape == (0, plain.dimension)
        assert (embedder.version, embedder.dimension) == (plain.version, plain.dimension)


class TestGatheringReader:
    @pytest.mark.parametrize("texts", [["happy slow piano"], ["sad", "calm drums"]])
    def test_gives_what_the_reader_gives(self, texts: list[str]):
        plain, reader = word_reader().read(texts), GatheringReader(word_reader()).read(texts)
        for name in ("moods", "tags", "strangeness"):
            np.testing.assert_array_equal(getattr(reader, name), getattr(plain, name))
