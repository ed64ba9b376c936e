import sys
from pathlib import Path

import pytest

from musiscene.data.pictures import draw_pictures
from musiscene.errors import MusiSceneError
from tests.support.data import example

EXAMPLES = [example("a", split="train"), example("b", split="test", source="other", scene="")]


class TestDrawPictures:
    def test_each_is_a_picture_of_its_own(self, tmp_path: Path):
        pytest.importorskip("matplotlib")
        names = draw_pictures(EXAMPLES, tmp_path / "new")
        contents = {(tmp_path / "new" / name).read_bytes() for name in names}
        assert names == ("lengths.png", "words.png")
        assert len(contents) == 2
        assert all(content.startswith(b"\x89PNG") for content in contents)

    def test_nothing_can_be_drawn_too(self, tmp_path: Path):
        pytest.importorskip("matplotlib")
        assert draw_pictures([], tmp_path)

    def test_without_matplotlib_the_way_out_is_told(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
        with pytest.raises(MusiSceneError, match=r"musiscene\[research\]"):
            draw_pictures([], tmp_path)
