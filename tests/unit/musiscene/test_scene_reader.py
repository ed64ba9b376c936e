from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from musiscene import scene_reader
from musiscene.embed import TextEmbedder
from musiscene.errors import ModelIntegrityError
from musiscene.scene_reader import (
    IMAGINED_TAGS,
    MOOD_NAMES,
    MOOD_OF_WORD,
    MOODS,
    SceneReader,
    load_maps,
    mood_probabilities,
)
from musiscene.vocabularies import TAGS_OF
from tests.support.listening import WordEmbedder, word_reader

if TYPE_CHECKING:
    from pathlib import Path

MINILM_WIDTH = 384


class TestMoods:
    def test_every_mood_has_a_place_and_words_of_its_own(self):
        assert len(set(MOOD_NAMES)) == len(MOODS) == 14
        assert all(abs(mood.valence) <= 1 and abs(mood.arousal) <= 1 for mood in MOODS)
        words = [word for mood in MOODS for word in mood.words]
        assert len(words) == len(set(words))
        assert set(MOOD_OF_WORD.values()) == set(MOOD_NAMES)

    def test_only_tags_that_are_heard_are_imagined(self):
        assert set(IMAGINED_TAGS) <= {tag.lower() for tags in TAGS_OF.values() for tag in tags}


class TestShippedMaps:
    def test_fit_the_embedder_the_moods_and_the_tags(self):
        maps = load_maps()
        assert maps.moods.shape == (MINILM_WIDTH, len(MOODS))
        assert maps.mood_bias.shape == (len(MOODS),)
        assert maps.tags.shape == (MINILM_WIDTH, len(IMAGINED_TAGS))
        assert maps.tag_bias.shape == (len(IMAGINED_TAGS),)
        assert maps.middle.shape == (MINILM_WIDTH,)
        assert maps.whitener.shape == (MINILM_WIDTH, MINILM_WIDTH)
        for name in maps.__struct_fields__:
            values = getattr(maps, name)
            assert values.dtype == np.float32
            assert np.isfinite(values).all()
            assert values.any()

    def test_a_damaged_file_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        broken = tmp_path / "scenes.safetensors"
        broken.write_bytes(b"no tensors")
        monkeypatch.setattr(scene_reader, "WEIGHTS", broken)
        load_maps.cache_clear()
        with pytest.raises(ModelIntegrityError, match=r"scenes\.safetensors"):
            load_maps()

    def test_are_refused_for_another_embedder(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(TextEmbedder, "load", lambda _folder: WordEmbedder())
        with pytest.raises(ModelIntegrityError, match="words-1"):
            SceneReader.load(tmp_path)


class TestRead:
    def test_nothing_is_read_of_no_text(self):
        scores = word_reader().read([])
        assert scores.moods.shape == (0, len(MOODS))
        assert scores.tags.shape == (0, len(IMAGINED_TAGS))
        assert scores.strangeness.shape == (0,)

    def test_each_text_is_read_by_itself(self):
        texts = ["sad mournful", "happy", "piano"]
        together = word_reader().read(texts)
        assert MOOD_NAMES[together.moods[0].argmax()] == "sadness"
        assert MOOD_NAMES[together.moods[1].argmax()] == "joy"
        assert IMAGINED_TAGS[together.tags[2].argmax()] == "piano"
        for row, text in enumerate(texts):
            np.testing.assert_allclose(word_reader().read([text]).moods[0], together.moods[row])


class TestMoodProbabilities:
    @given(arrays(np.float32, (2, len(MOODS)), elements=st.floats(-1e3, 1e3, width=32)))
    def test_sum_to_one_and_keep_the_order(self, scores: np.ndarray):
        chances = mood_probabilities(scores)
        assert chances.sum(axis=1) == pytest.approx([1.0, 1.0], abs=1e-4)
        for row in range(2):
            assert chances[row, scores[row].argmax()] == chances[row].max()
