from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from indexer.catalogue.repository import Catalogue
from indexer.cli.tag import SHOWN_NOT_INDEXED, tag
from musiscene.embed import TextEmbedder
from service.cli import main
from tests.support.listening import new_catalogue
from tests.support.retrieval import library_without_models
from tests.support.tagging import SCENES, index_file, music_file, sha256_of


@pytest.fixture
def music(tmp_path: Path) -> Path:
    (tmp_path / "music").mkdir()
    with new_catalogue(tmp_path) as catalogue:
        for name in ("a.mp3", "b.flac"):
            index_file(catalogue, music_file(tmp_path / "music" / name))
    return tmp_path / "music"


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:  # noqa: ANN401
    def ask(*arguments: object, code: int = 0) -> tuple[str, str]:
        given = ["--data-dir", str(tmp_path), "tag", *map(str, arguments)]
        assert main(given) == code
        captured = capsys.readouterr()
        return captured.out, captured.err

    return ask


def digests(music: Path) -> dict[str, str]:
    return {path.name: sha256_of(path) for path in music.iterdir()}


class TestTagCommand:
    def test_shows_what_would_change_and_writes_nothing(self, run: Any, music: Path):  # noqa: ANN401
        before = digests(music)
        out, _ = run(music)
        assert "  + TBPM                     124\n" in out
        assert "  + MOOD " in out
        assert SCENES[0] in out
        assert out.endswith("2 files would change, 0 are as they should be; to do it: --write\n")
        assert digests(music) == before

    def test_writes_and_takes_back(self, run: Any, music: Path):  # noqa: ANN401
        before = digests(music)
        out, _ = run(music, "--write")
        assert "2 files written" in out
        assert not set(digests(music).values()) & set(before.values())
        assert "0 files would change, 2 are as they should be" in run(music)[0]
        (line,) = run("--runs", "--json")[0].splitlines()
        assert json.loads(line)["files"] == 2
        assert "2 files given back" in run("--undo")[0]
        assert digests(music) == before
        assert "taken back" in run("--runs")[0]
        assert "no run to undo" in run("--last", code=2)[1]

    def test_some_files_of_a_run_can_be_taken_back(self, run: Any, music: Path):  # noqa: ANN401
        before = digests(music)
        run(music, "--write")
        assert "1 files given back" in run("--undo", "last", music / "a.mp3")[0]
        assert digests(music)["a.mp3"] == before["a.mp3"]
        assert "1 files given back, 1 were as before" in run("--undo")[0]
        assert digests(music) == before

    def test_json_is_a_line_a_file(self, run: Any, music: Path):  # noqa: ANN401
        out, _ = run(music, "--json", "--fields", "bpm")
        lines = [json.loads(line) for line in out.splitlines()]
        assert [Path(line["path"]).name for line in lines] == ["a.mp3", "b.flac"]
        assert lines[0]["changes"][0] == {"name": "TBPM", "old": [], "new": ["124"]}
        assert not lines[0]["written"]

    def test_one_bad_file_does_not_stop_the_rest(self, run: Any, music: Path):  # noqa: ANN401
        (music / "a.mp3").write_bytes(b"changed")
        out, err = run(music, "--write", code=1)
        assert "a.mp3: has changed since it was indexed" in err
        assert "1 files written" in out

    def test_an_unexpected_error_does_not_stop_the_rest(
        self,
        run: Any,  # noqa: ANN401
        music: Path,
        monkeypatch: pytest.MonkeyPatch,
    ):
        from indexer.tagging.sheets import id3

        def fails(*_arguments: object) -> None:
            raise RuntimeError("what nobody thought of")

        monkeypatch.setattr(id3, "read_id3", fails)
        out, err = run(music, "--write", code=1)
        assert "what nobody thought of" in err
        assert "1 files written" in out

    def test_files_that_are_not_indexed_are_counted(self, run: Any, music: Path):  # noqa: ANN401
        for number in range(SHOWN_NOT_INDEXED + 3):
            (music / f"new{number}.mp3").write_bytes(b"x")
        _, err = run(music, code=1)
        assert f"failed: {music}/new0.mp3: not in the library; run: musiscene index {music}" in err
        assert "failed: 4 more files: not in the library" in err

    def test_titles_cannot_move_the_cursor(self, run: Any, music: Path, tmp_path: Path):  # noqa: ANN401
        path = music_file(music / "c.flac", metadata={"genre": "\x1b[2Jevil"})
        with Catalogue.open(tmp_path / "catalogue.sqlite") as catalogue:
            index_file(catalogue, path)
        out, _ = run(path)
        assert "\x1b" not in out
        assert "[2Jevil is kept (heard: Rock; --overwrite)" in out

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ([], "name the files or folders"),
            (["x", "--fields", "bpm,tempo"], "'tempo' is no field"),
            (["x", "--out", "y"], "add --to"),
            (["--undo", "last", "--write"], "stands for itself"),
            (["x", "--filter", "bpm>"], "filter"),
        ],
    )
    def test_wrong_use_is_said(self, arguments: list[str], said: str):
        result = CliRunner().invoke(tag, arguments)
        assert result.exit_code == 2
        assert said in result.stderr

    def test_without_a_library_it_says_how_to_get_one(self, run: Any):  # noqa: ANN401
        assert "musiscene index" in run("x", code=3)[1]

    def test_without_mutagen_it_says_how_to_get_it(
        self,
        run: Any,  # noqa: ANN401
        music: Path,
        monkeypatch: pytest.MonkeyPatch,
    ):
        monkeypatch.setitem(sys.modules, "mutagen", None)
        assert "pip install 'musiscene[tag]'" in run(music, code=3)[1]
        assert "a.mp3" in run(music, "--to", "csv", "--out", "-")[0]

    def test_two_at_once_are_refused(self, run: Any, music: Path, tmp_path: Path):  # noqa: ANN401
        from filelock import FileLock

        (tmp_path / "tagging").mkdir()
        with FileLock(tmp_path / "tagging" / ".lock"):
            assert "another `musiscene tag`" in run(music, "--write", code=2)[1]


class TestExports:
    @pytest.mark.parametrize("kind", ["csv", "jsonl", "m3u8", "xspf"])
    def test_a_file_is_written_whole(self, run: Any, music: Path, kind: str):  # noqa: ANN401
        out = music.parent / "lists" / f"all.{kind}"
        assert "2 tracks written" in run(music, "--to", kind, "--out", out)[0]
        text = out.read_text("utf-8")
        assert "a.mp3" in text
        assert "b.flac" in text
        assert run(music, "--to", kind, "--out", "-")[0].count("b.flac") == text.count("b.flac")
        assert [path.name for path in out.parent.iterdir()] == [out.name]

    def test_sidecars_lie_beside(self, run: Any, music: Path):  # noqa: ANN401
        assert "2 files written beside" in run(music, "--to", "sidecar")[0]
        document = json.loads((music / "a.mp3.musiscene.json").read_text("utf-8"))
        assert document["scenes"] == list(SCENES)
        (music / "b.flac.musiscene.json").write_text("somebody's notes")
        _, err = run(music, "--to", "sidecar", code=1)
        assert "is not ours" in err or "not ours" in err
        assert (music / "b.flac.musiscene.json").read_text() == "somebody's notes"

    def test_sidecars_mirror_the_tree(self, run: Any, music: Path, tmp_path: Path):  # noqa: ANN401
        run(music, "--to", "sidecar", "--out", tmp_path / "out")
        assert (tmp_path / "out" / "a.mp3.musiscene.json").exists()

    def test_a_playlist_needs_a_file(self, run: Any, music: Path):  # noqa: ANN401
        assert "needs --out" in run(music, "--to", "m3u8", code=2)[1]
        refused = run(music, "--to", "csv", "--scene", "x", "--out", "y", code=2)[1]
        assert "--scene is for playlists" in refused

    def test_a_scene_gets_its_tracks_the_best_first(
        self,
        run: Any,  # noqa: ANN401
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ):
        library_without_models(tmp_path, monkeypatch)
        assert TextEmbedder.load(tmp_path).version == "words-1"
        with Catalogue.open(tmp_path / "catalogue.sqlite") as catalogue:
            known = sorted(catalogue.known_files())
        assert known
        out = tmp_path / "lake.m3u8"
        scene = "mist rises over a still lake"
        arguments = ("/m", "--to", "m3u8", "--scene", scene, "--out", out, "--paths", "absolute")
        run(*arguments, "--top-k", "2")
        lines = [line for line in out.read_text().splitlines() if not line.startswith("#")]
        assert lines[0] == "/m/calm/lake.wav"
        assert len(lines) == 2
        run(*arguments, "--filter", "path=chase")
        lines = [line for line in out.read_text().splitlines() if not line.startswith("#")]
        assert all("chase" in line for line in lines)
