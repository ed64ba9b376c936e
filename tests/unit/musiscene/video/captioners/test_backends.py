from __future__ import annotations

import pytest

from musiscene.errors import CaptionerError
from musiscene.video.captioners.backends import CaptionerOptions, load_captioner


class TestLoadCaptioner:
    def test_auto_takes_what_was_said(self):
        assert load_captioner("auto").source == "measured"
        options = CaptionerOptions(url="http://localhost:1/v1", model="seer")
        assert load_captioner("auto", options).name == "seer"
        with pytest.raises(CaptionerError, match="neither a folder"):
            load_captioner("auto", CaptionerOptions(model="no such folder"))

    @pytest.mark.parametrize(
        ("name", "said"),
        [("seer", "no such captioner"), ("server", "its address"), ("model", "its folder")],
    )
    def test_says_what_is_missing(self, name: str, said: str):
        with pytest.raises(CaptionerError, match=said):
            load_captioner(name)
