from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np
import pytest

from indexer.spotting.preview.loudness import master
from indexer.spotting.preview.scratch import SAMPLE_RATE, Scratch
from musiscene.generate.mastering import to_loudness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Made = Callable[[int, int], Scratch]


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Made]:
    """Makes a silent one of so many channels and samples."""
    with ExitStack() as files:

        def made(channels: int, samples: int) -> Scratch:
            file = files.enter_context((tmp_path / f"{channels}").open("w+b"))
            return Scratch(file, channels=channels, samples=samples)

        yield made


class TestMaster:
    def test_is_what_mastering_in_memory_gives(self, empty: Made):
        """Soft noise with loud strokes, also where one block meets the next."""
        music = 0.03 * np.random.default_rng(0).standard_normal((2, 6 * SAMPLE_RATE))
        music[:, 2**18 - 5 :: SAMPLE_RATE // 2] += 0.9
        music[:, :: SAMPLE_RATE // 2] += 0.9
        mix = empty(2, music.shape[1])
        mix.add(0, music.astype(np.float32))
        made = master(mix, empty(1, music.shape[1]), target_lufs=-14.0, step=lambda: None)
        blocks = np.concatenate(list(made.blocks()), axis=1)
        whole = to_loudness(music.astype(np.float32), sample_rate=SAMPLE_RATE, target_lufs=-14.0)
        np.testing.assert_allclose(blocks, whole, atol=2e-4)
        assert made.lufs == pytest.approx(-14.0, abs=0.1)


class TestScratch:
    def test_what_lies_outside_is_left_out(self, empty: Made):
        made = empty(2, 10)
        made.add(-2, np.ones((2, 5), np.float32))
        made.add(8, np.ones((2, 5), np.float32))
        made.add(2, np.ones((2, 2), np.float32))
        assert made.read(0, 99)[0].tolist() == [1, 1, 2, 1, 0, 0, 0, 0, 1, 1]
