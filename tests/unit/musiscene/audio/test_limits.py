from __future__ import annotations

import msgspec
import pytest

from musiscene.audio.limits import AudioLimits


class TestAudioLimits:
    def test_reads_a_setting_from_a_file(self):
        limits = msgspec.toml.decode(b"max_seconds = 60.0", type=AudioLimits)
        assert limits == AudioLimits(max_seconds=60.0)

    @pytest.mark.parametrize(
        "text",
        ["max_second = 60.0", "max_seconds = 0.0", "timeout_seconds = -1.0", "max_bytes = 0"],
    )
    def test_refuses_a_typing_error_or_a_limit_that_allows_nothing(self, text: str):
        with pytest.raises(msgspec.ValidationError):
            msgspec.toml.decode(text, type=AudioLimits)
