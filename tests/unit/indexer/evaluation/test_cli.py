import json
from pathlib import Path
from typing import Any

import pytest

from indexer.match import STAGES
from service.cli import main
from tests.support.retrieval import library_without_models, write_briefs

ROWS = (
    {"brief": "mist on a still lake", "mood": "calm", "style": "email"},
    {"brief": "loud drums, a storm", "mood": "wild", "style": "tags"},
    {"brief": "riders chase a train", "file": "chase.wav", "style": "tags"},
)


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return library_without_models(tmp_path, monkeypatch)


def run(data_dir: Path, *arguments: object) -> int:
    return main(
        ["--data-dir", str(data_dir), "evaluate", "retrieval", *(str(one) for one in arguments)]
    )


class TestRetrieval:
    def test_json_has_every_brief_and_system(
        self, data_dir: Path, capsys: pytest.CaptureFixture[str]
    ):
        briefs = write_briefs(data_dir / "briefs.jsonl", ROWS)
        picture = data_dir / "deep" / "found.png"
        options = ("--without", "scene", "--k", 1, "--k", 3, "--picture", picture, "--json")
        assert run(data_dir, briefs, *options) == 0
        document: dict[str, Any] = json.loads(capsys.readouterr().out)
        report = document["report"]
        assert [system["name"] for system in report["systems"]] == [
            "matcher", "without scene", "tags",
        ]  # fmt: skip
        assert (report["tracks"], report["wanted_sets"], report["cutoffs"]) == (4, 3, [1, 3])
        assert [row["brief"] for row in report["briefs"]] == [row["brief"] for row in ROWS]
        assert report["briefs"][2]["systems"]["matcher"]["first_tracks"][0] == "/m/wild/chase.wav"
        assert document["in_words"]
        assert picture.read_bytes().startswith(b"\x89PNG")

    def test_people_get_tables_and_sentences(
        self, data_dir: Path, capsys: pytest.CaptureFixture[str]
    ):
        briefs = write_briefs(data_dir / "briefs.jsonl", ROWS)
        assert run(data_dir, briefs, "--quiet") == 0
        out = capsys.readouterr().out
        for expected in (
            "3 briefs, 3 sets",
            "(random order)",
            "(other briefs)",
            "email",
            "nDCG@10",
        ):
            assert expected in out
        assert "By nDCG@10, the matcher is" in out

    def test_bad_lines_are_listed_and_the_rest_is_judged(
        self, data_dir: Path, capsys: pytest.CaptureFixture[str]
    ):
        briefs = write_briefs(data_dir / "briefs.jsonl", [*ROWS, {"brief": "a", "mood": "glad"}])
        assert run(data_dir, briefs, "--quiet", "--json") == 1
        captured = capsys.readouterr()
        assert f"{briefs}, line 4: no track of the library is wanted by its mood" in captured.err
        assert len(json.loads(captured.out)["report"]["briefs"]) == 3

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            (("--without", "lyrics"), "'lyrics' is none of"),
            (("--without", ",".join(STAGES)), "nothing would be left"),
        ],
    )
    def test_refuses_stages_that_cannot_be_left_out(
        self,
        data_dir: Path,
        capsys: pytest.CaptureFixture[str],
        options: tuple[str, str],
        says: str,
    ):
        briefs = write_briefs(data_dir / "briefs.jsonl", ROWS)
        assert run(data_dir, briefs, *options) == 2
        assert says in capsys.readouterr().err

    def test_refuses_files_without_a_usable_brief(
        self, data_dir: Path, capsys: pytest.CaptureFixture[str]
    ):
        briefs = write_briefs(data_dir / "briefs.jsonl", ["nothing"])
        assert run(data_dir, briefs, "--quiet") == 2
        assert "no line holds a brief" in capsys.readouterr().err

    def test_a_library_must_be_there(self, data_dir: Path, capsys: pytest.CaptureFixture[str]):
        briefs = write_briefs(data_dir / "briefs.jsonl", ROWS)
        assert run(data_dir / "none", briefs) == 3
        assert "musiscene index" in capsys.readouterr().err
