from __future__ import annotations

import zlib

import msgspec
import numpy as np

from musiscene.encoders.features import AudioFeatures
from musiscene.packing import (
    MAX_FEATURE_BYTES,
    MAX_PACKED_BYTES,
    has_features,
    pack_listening,
    unpack_listening,
)
from tests.support.listening import listening


class TestPacking:
    def test_gives_back_exactly_what_was_heard(self):
        rng = np.random.default_rng(0)
        features = AudioFeatures(
            track=rng.standard_normal((2, 200), dtype=np.float32),
            segments=rng.standard_normal((3, 2, 200), dtype=np.float32),
        )
        heard = listening(tags={"happy": 0.5}, segments=3)
        heard = msgspec.structs.replace(heard, features=features)
        found = unpack_listening(pack_listening(heard))
        assert found is not None
        assert has_features(found)
        np.testing.assert_array_equal(found.features.track, features.track)
        np.testing.assert_array_equal(found.features.segments, features.segments)
        assert msgspec.structs.replace(found, features=features) == heard

    def test_leaves_out_features_that_are_too_large(self):
        rows = MAX_FEATURE_BYTES // 4
        features = AudioFeatures(
            track=np.ones((1, rows), np.float32), segments=np.ones((1, 1, rows), np.float32)
        )
        heard = msgspec.structs.replace(listening(), features=features)
        packed = pack_listening(heard)
        found = unpack_listening(packed)
        assert len(packed) < 10_000
        assert found is not None
        assert not has_features(found)
        assert found.segments == heard.segments

    def test_damaged_bytes_are_nothing(self):
        packed = pack_listening(listening())
        for damaged in (b"", packed[:-1], packed[: len(packed) // 2], zlib.compress(b"no")):
            assert unpack_listening(damaged) is None

    def test_a_bomb_is_nothing(self):
        assert unpack_listening(zlib.compress(bytes(MAX_PACKED_BYTES + 1))) is None
