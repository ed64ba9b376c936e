from pathlib import Path
from uuid import UUID

import pytest

from indexer.errors import BriefError
from indexer.evaluation import briefs
from indexer.evaluation.briefs import read_judged_briefs
from tests.support.retrieval import write_briefs

PATHS = {
    UUID(int=1): "/music/film/calm/lake.opus",
    UUID(int=2): "/music/film/calm/snow.opus",
    UUID(int=3): "/music/film/war/battle.ogg",
    UUID(int=4): "/music/games/old battle.ogg",
}


def wanted(folder: Path, row: dict[str, object]) -> dict[int, float]:
    good, bad = read_judged_briefs(
        write_briefs(folder / "b.jsonl", [{"brief": "mist", **row}]), PATHS
    )
    assert not bad, bad
    return {track_id.int: grade for track_id, grade in good[0].grades.items()}


def reason(folder: Path, row: object) -> str:
    good, bad = read_judged_briefs(write_briefs(folder / "b.jsonl", ["", row]), PATHS)
    assert not good
    assert bad[0].place == f"{folder / 'b.jsonl'}, line 2"
    return bad[0].reason


class TestReadJudgedBriefs:
    @pytest.mark.parametrize(
        ("row", "numbers"),
        [
            ({"mood": "calm"}, [1, 2]),
            ({"folder": "film"}, [1, 2, 3]),
            ({"folder": "film/calm"}, [1, 2]),
            ({"glob": "calm/s*.opus"}, [2]),
            ({"glob": "*.ogg"}, [3, 4]),
            ({"file": "battle.ogg"}, [3]),
            ({"file": "war/battle.ogg"}, [3]),
            ({"files": ["battle.ogg", "lake.opus"]}, [1, 3]),
            ({"ids": [str(UUID(int=4))]}, [4]),
        ],
    )
    def test_what_is_wanted(self, tmp_path: Path, row: dict[str, object], numbers: list[int]):
        assert wanted(tmp_path, row) == dict.fromkeys(numbers, 1.0)

    def test_grades_are_kept(self, tmp_path: Path):
        grades = {"battle.ogg": 3, "calm/snow.opus": 0.5}
        assert wanted(tmp_path, {"grades": grades}) == {3: 3.0, 2: 0.5}

    def test_text_and_style_are_kept_and_other_fields_ignored(self, tmp_path: Path):
        row = {"brief": "a lake", "style": "shot list", "mood": "calm", "author": "me"}
        good, _ = read_judged_briefs(write_briefs(tmp_path / "b.jsonl", [row]), PATHS)
        assert (good[0].text, good[0].style) == ("a lake", "shot list")
        assert good[0].place.endswith("b.jsonl, line 1")

    @pytest.mark.parametrize(
        ("row", "says"),
        [
            pytest.param("no JSON", "malformed", id="no JSON"),
            pytest.param({"brief": "a"}, "needs exactly one", id="nothing"),
            pytest.param({"mood": "calm"}, "brief", id="no brief"),
            pytest.param({"brief": " ", "mood": "calm"}, "blank", id="blank"),
            pytest.param({"brief": "a", "mood": "calm", "file": "x"}, "mood and file", id="two"),
            pytest.param({"brief": "a", "mood": "glad"}, "no track", id="no such folder"),
            pytest.param({"brief": "a", "mood": "snow.opus"}, "no track", id="a file, no folder"),
            pytest.param({"brief": "a", "file": "attle.ogg"}, "called attle.ogg", id="half a name"),
            pytest.param({"brief": "a", "files": ["battle.ogg", "no"]}, "called no", id="lacks"),
            pytest.param({"brief": "a", "folder": "music"}, "every track", id="everything"),
            pytest.param({"brief": "a", "grades": {"battle.ogg": 0}}, "grades", id="no grade"),
            pytest.param({"brief": "a", "ids": ["7"]}, "ids", id="no id"),
            pytest.param({"brief": "a", "files": []}, "files", id="no files"),
        ],
    )  # fmt: skip
    def test_a_bad_line_is_listed_with_its_number(self, tmp_path: Path, row: object, says: str):
        assert says in reason(tmp_path, row)

    def test_bytes_that_are_no_text_are_listed(self, tmp_path: Path):
        path = tmp_path / "b.jsonl"
        path.write_bytes(b'{"brief": "\xff", "mood": "calm"}\n{"brief": "a", "mood": "calm"}\r\n')
        good, bad = read_judged_briefs(path, PATHS)
        assert [brief.text for brief in good] == ["a"]
        assert bad[0].place.endswith("line 1")

    def test_refuses_a_file_that_is_none_or_too_large(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        with pytest.raises(BriefError, match="cannot be read"):
            read_judged_briefs(tmp_path, PATHS)
        monkeypatch.setattr(briefs, "MAX_FILE_BYTES", 4)
        with pytest.raises(BriefError, match="split it"):
            read_judged_briefs(write_briefs(tmp_path / "b.jsonl", [{"brief": "a"}]), PATHS)
