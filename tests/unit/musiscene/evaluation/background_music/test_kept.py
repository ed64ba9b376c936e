from pathlib import Path

import pytest

from musiscene.errors import MusiSceneError
from musiscene.evaluation.background_music.kept import Kept, key_of


class TestKept:
    def test_a_later_run_finds_what_an_earlier_one_kept(self, tmp_path: Path):
        path = tmp_path / "new" / "rows.jsonl"
        Kept(path, int).keep("a", 1)
        again = Kept(path, int)
        again.keep("b", 2)
        assert Kept(path, int).rows() == [1, 2]
        assert "a" in again
        assert again["a"] == 1

    def test_a_line_that_was_cut_off_is_made_anew(self, tmp_path: Path):
        path = tmp_path / "rows.jsonl"
        kept = Kept(path, int)
        kept.keep("a", 1)
        with path.open("ab") as file:
            file.write(b'{"key": "b", "ro')
        again = Kept(path, int)
        assert "b" not in again
        again.keep("c", 3)
        assert Kept(path, int).rows() == [1, 3]

    def test_a_foreign_file_is_refused_by_line(self, tmp_path: Path):
        path = tmp_path / "rows.jsonl"
        path.write_text('{"key": "a", "row": "no number"}\n')
        with pytest.raises(MusiSceneError, match=":1: is none of ours"):
            Kept(path, int)


class TestKeyOf:
    def test_every_part_counts(self):
        assert key_of("a", 1, [2.0, None]) == key_of("a", 1, [2.0, None])
        assert len({key_of("a", 1), key_of("a", 2), key_of("b", 1), key_of("a1")}) == 4
