from typing import Any, cast

import numpy as np

from musiscene.encoders.features import AudioFeatures
from musiscene.encoders.musicnn import MusicnnOutput
from musiscene.evaluation.background_music.embeddings import MertEmbedder, MusicnnEmbedder

HEARD = MusicnnOutput(
    starts_seconds=np.zeros(2),
    tags={},
    penultimate={"mtt": np.ones((2, 4), np.float32), "msd": np.zeros((2, 4), np.float32)},
)


class Encoder:
    layer_count, width = 3, 2

    def __init__(self) -> None:
        self.spans: list[tuple[float, float]] = []

    def encode(
        self, waveform: np.ndarray, *, spans_seconds: list[tuple[float, float]]
    ) -> AudioFeatures:
        self.spans = spans_seconds
        layers = np.arange(3, dtype=np.float32)[None, :, None]
        segments = np.tile(layers, (len(spans_seconds), 1, 2)) + waveform.mean()
        return AudioFeatures(track=segments.mean(0), segments=segments)


class TestMusicnnEmbedder:
    def test_takes_the_features_before_the_tags(self):
        vectors = MusicnnEmbedder().embed(np.zeros(10, np.float32), HEARD)
        assert vectors.shape == (2, 4)
        assert vectors.all()


class TestMertEmbedder:
    def test_takes_the_mean_of_the_layers_in_patches_that_cover_the_piece(self):
        encoder = Encoder()
        embedder = MertEmbedder(cast("Any", encoder))
        assert embedder.sample_rate == 24_000
        vectors = embedder.embed(np.ones(24_000 * 7, np.float32), HEARD)
        assert vectors.tolist() == [[2.0, 2.0]] * 3
        starts, ends = zip(*encoder.spans, strict=True)
        assert starts[1:] == ends[:-1]
        assert (starts[0], ends[-1]) == (0.0, 7.0)
