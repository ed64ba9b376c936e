from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from indexer.engines.apart import ProcessApart
from indexer.engines.imaginer_main import serve
from indexer.engines.split_model import SplitModel
from indexer.errors import ImaginerError
from musiscene.errors import ModelError
from tests.support.listening import listening
from tests.support.split import Chosen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from indexer.engines.split_model import Hears


class Deaf:
    """Hears nothing: nobody asks."""

    hear = None


def model_of(chosen: Chosen) -> SplitModel:
    listener: Hears = Deaf()  # type: ignore[assignment]  # never called
    return SplitModel(listener, ProcessApart(serve, chosen, None, name="imaginer"))


@pytest.fixture(scope="module")
def model() -> Iterator[SplitModel]:
    """One for all tests: its process takes seconds to start."""
    made = model_of(Chosen())
    yield made
    made.close()


class TestImagine:
    def test_tracks_come_back_in_order_from_another_process(self, model: SplitModel):
        heard = [listening(audio_hash=name, bpm=90.0, segments=3) for name in ("b", "a")]
        first, second = model.imagine(heard, cores=1)
        assert [segment.music_caption for segment in first] == ["b at 90.0"] * 3
        assert second[0].music_caption == "a at 90.0"
        starts = [segment.start_seconds for segment in heard[0].segments]
        assert [segment.start_seconds for segment in first] == starts
        assert first[0].scene_captions[0].text != str(os.getpid())

    def test_it_says_what_the_model_needs(self, model: SplitModel):
        assert model.needs_features

    def test_an_error_costs_one_batch(self, model: SplitModel):
        [[before, *_]] = model.imagine([listening(audio_hash="a")], cores=1)
        with pytest.raises(ImaginerError, match="ZeroDivisionError"):
            model.imagine([listening(audio_hash="dull")], cores=1)
        [[after, *_]] = model.imagine([listening(audio_hash="a")], cores=1)
        assert after == before, "by the same process"

    def test_a_process_that_dies_costs_one_batch(self, model: SplitModel):
        [[before, *_]] = model.imagine([listening(audio_hash="a")], cores=1)
        with pytest.raises(ImaginerError, match="died"):
            model.imagine([listening(audio_hash="deadly")], cores=1)
        [[after, *_]] = model.imagine([listening(audio_hash="a")], cores=1)
        assert after.music_caption == before.music_caption
        assert after.scene_captions != before.scene_captions, "by another process"

    def test_a_damaged_model_is_no_fault_of_the_tracks(self):
        model = model_of(Chosen(is_damaged=True))
        try:
            for _ in range(2):
                with pytest.raises(ModelError, match="is damaged") as raised:
                    model.imagine([listening()], cores=1)
                assert raised.value.name == "tiny"
        finally:
            model.close()
