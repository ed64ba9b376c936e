from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from musiscene.errors import AudioError, RecipeError
from musiscene.training.features import FeatureStore
from tests.support.lessons import MadeListener

if TYPE_CHECKING:
    from pathlib import Path

    from musiscene.listen import Listener


def open_store(folder: Path, listener: MadeListener, encoder: str = "made-1") -> FeatureStore:
    return FeatureStore(folder, encoder, lambda: cast("Listener", listener))


class TestFeatureStore:
    def test_hears_each_track_once_for_all_runs(self, tmp_path: Path):
        listener = MadeListener()
        first = open_store(tmp_path, listener).features("/a.wav", "a" * 64)
        again = open_store(tmp_path, listener).features("/moved/a.wav", "a" * 64)
        assert listener.asked == ["/a.wav"]
        np.testing.assert_array_equal(first.track, again.track)
        np.testing.assert_array_equal(first.segments, again.segments)
        assert again.segments.dtype == np.float32

    def test_another_encoder_hears_anew(self, tmp_path: Path):
        listener = MadeListener()
        for encoder in ("made-1", "made-2"):
            open_store(tmp_path, listener, encoder).features("/a.wav", "a" * 64)
        assert listener.asked == ["/a.wav"] * 2

    def test_a_file_that_was_replaced_is_refused_and_not_kept(self, tmp_path: Path):
        listener = MadeListener()
        store = open_store(tmp_path, listener)
        with pytest.raises(AudioError, match="another recording"):
            store.features("/b.wav", "a" * 64)
        assert not list(tmp_path.rglob("*.safetensors"))

    def test_a_damaged_file_is_named(self, tmp_path: Path):
        store = open_store(tmp_path, MadeListener())
        store.features("/a.wav", "a" * 64)
        [file] = tmp_path.rglob("*.safetensors")
        file.write_bytes(file.read_bytes()[:40])
        with pytest.raises(RecipeError, match="is damaged, remove it"):
            store.features("/a.wav", "a" * 64)
