"""The main job by the command line: real music, real models, real SQLite and FAISS."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from musiscene.checkpoints.store import ModelStore
from musiscene.errors import ModelUnavailableError
from musiscene.profiles import MODELS_OF

if TYPE_CHECKING:
    from collections.abc import Sequence

immich_memories_music = pytest.importorskip(
    "immich_memories_music", reason="the demo library is an extra: pip install '.[demo]'"
)

pytestmark = pytest.mark.integration

CHOSEN = ("calm/calm_acoustic_1.opus", "energetic/energetic_electronic_2.opus")
HIT_FIELDS = {
    "rank", "score", "confidence", "track", "window", "scene_caption", "tags", "reasons",
    "facts", "song",
}  # fmt: skip
TRACK_FIELDS = {
    "id", "path", "title", "artist", "duration_seconds", "bpm", "key", "loudness_lufs", "licence",
    "generated",
}  # fmt: skip


def musiscene(*arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  our own command
        [sys.executable, "-m", "service.cli", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


def documents(finished: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in finished.stdout.splitlines()]


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two real tracks and two files that are no music."""
    try:
        for name in MODELS_OF["tiny"]:
            ModelStore().folder(name)
    except ModelUnavailableError as error:
        pytest.skip(str(error))
    folder: Path = tmp_path_factory.mktemp("music")
    for name in CHOSEN:
        shutil.copy(immich_memories_music.tracks_dir() / name, folder)
    (folder / "broken.mp3").write_bytes(b"not music" * 1000)
    (folder / "empty.flac").touch()
    return folder


@pytest.fixture(scope="module")
def data_dir(music: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("data")
    finished = musiscene("--data-dir", str(folder), "index", str(music), "--json")
    assert finished.returncode == 1, finished.stderr
    (report,) = documents(finished)
    assert report["counts"]["tracks_indexed"] == 2
    assert {Path(f["path"]).name for f in report["failures"]} == {"broken.mp3", "empty.flac"}
    for name in ("broken.mp3", "empty.flac"):
        assert sum(name in line for line in finished.stderr.splitlines()) == 1
    return folder


class TestIndex:
    def test_a_second_run_is_quick_and_hears_nothing(self, data_dir: Path, music: Path):
        finished = musiscene("--data-dir", str(data_dir), "index", str(music), "--json")
        (report,) = documents(finished)
        assert report["counts"]["tracks_unchanged"] == 2
        assert report["counts"]["tracks_indexed"] == 0


class TestMatch:
    def test_json_has_the_promised_form(self, data_dir: Path):
        finished = musiscene("--data-dir", str(data_dir), "match", "a busy street", "--json")
        assert finished.returncode == 0, finished.stderr
        (result,) = documents(finished)
        assert set(result) == {
            "brief",
            "decision",
            "confidence",
            "hits",
            "reading",
            "generation",
            "notice",
        }
        assert result["brief"] == "a busy street"
        assert len(result["hits"]) == 2
        for hit in result["hits"]:
            assert set(hit) == HIT_FIELDS
            assert set(hit["track"]) == TRACK_FIELDS
            assert 0 <= hit["window"]["start_seconds"] < hit["window"]["end_seconds"] <= 33
            assert hit["scene_caption"]
            assert sum(reason["share"] for reason in hit["reasons"]) == pytest.approx(1, abs=0.01)

    def test_facts_of_real_tracks_are_found_by_filters(self, data_dir: Path):
        found = {}
        for expression in ("bpm=140..160", "key=C:major bpm=60..75"):
            finished = musiscene(
                "--data-dir", str(data_dir), "match", "x", "--filter", expression, "--json"
            )
            (result,) = documents(finished)
            found[expression] = [Path(hit["track"]["path"]).stem for hit in result["hits"]]
        assert found["bpm=140..160"] == ["energetic_electronic_2"]
        assert found["key=C:major bpm=60..75"] == ["calm_acoustic_1"]

    @pytest.mark.parametrize(
        "content",
        [
            pytest.param("a lake\n\na storm\n", id="lines"),
            pytest.param('{"brief": "a lake"}\n{"brief": "a storm", "id": 7}\n', id="JSON Lines"),
        ],
    )
    def test_briefs_come_from_a_file_or_a_pipe(self, data_dir: Path, content: str):
        finished = musiscene(
            "--data-dir", str(data_dir), "match", "--briefs", "-", "--json", stdin=content
        )
        assert [result["brief"] for result in documents(finished)] == ["a lake", "a storm"]

    def test_people_get_a_table(self, data_dir: Path):
        finished = musiscene("--data-dir", str(data_dir), "match", "a lake")
        assert finished.returncode == 0
        assert "calm_acoustic_1" in finished.stdout
        assert "bpm" in finished.stdout

    @pytest.mark.parametrize(
        ("arguments", "code", "says"),
        [
            pytest.param(["match"], 2, "say what is seen", id="no brief"),
            pytest.param(["match", "  "], 2, "brief is empty", id="blank brief"),
            pytest.param(["match", "a", "--filter", "bpm=x"], 2, "column 5", id="filter"),
            pytest.param(["match", "a", "--top-k", "0"], 2, "top-k", id="top-k"),
            pytest.param(["match", "--briefs", "nowhere.txt"], 2, "nowhere.txt", id="no file"),
            pytest.param(["index"], 2, "PATHS", id="no path"),
            pytest.param(["index", "/nowhere"], 2, "/nowhere: does not exist", id="no folder"),
            pytest.param(["serve", "--host", "0.0.0.0"], 3, "keys create", id="open to all"),  # noqa: S104
            pytest.param(["sing"], 2, "No such command", id="no command"),
        ],
    )
    def test_wrong_use_is_explained(
        self, data_dir: Path, arguments: Sequence[str], code: int, says: str
    ):
        finished = musiscene("--data-dir", str(data_dir), *arguments)
        assert finished.returncode == code
        assert says in finished.stderr
        assert "Traceback" not in finished.stderr

    def test_a_missing_library_names_the_command_that_makes_it(self, tmp_path: Path):
        finished = musiscene("--data-dir", str(tmp_path / "none"), "match", "a")
        assert finished.returncode == 3
        assert "musiscene index" in finished.stderr
        assert not (tmp_path / "none").exists()

    def test_a_cold_match_does_not_pay_for_the_models(self):
        loaded = "import sys, indexer.match, indexer.library, service.cli; print(*sys.modules)"
        finished = subprocess.run(  # noqa: S603
            [sys.executable, "-c", loaded], capture_output=True, text=True, check=True
        )
        modules = set(finished.stdout.split())
        assert modules.isdisjoint({"torch", "transformers", "librosa", "litestar", "scipy"})


class TestImagine:
    def test_the_same_seed_imagines_the_same(self, music: Path):
        path = str(music / "calm_acoustic_1.opus")
        first, second = (musiscene("imagine", path, "--json", "--seed", "3") for _ in range(2))
        assert first.returncode == 0, first.stderr
        assert first.stdout == second.stdout
        (document,) = documents(first)
        assert set(document) == {"path", "segments", "tags", "descriptors", "affect", "model"}
        uses = {one["model"]: one["commercial_use"] for one in document["model"]["licences"]}
        # VACAD, which the weights learnt from too, states no licence.
        assert uses.pop("trained weights") == "unknown"
        assert set(uses.values()) == {"yes"}
        assert document["path"] == path
        assert set(document["affect"]) == {"valence", "arousal"}
        for segment in document["segments"]:
            assert set(segment) == {"start", "end", "music_caption", "scene_captions"}
            assert len(segment["scene_captions"]) == 2
            assert all(caption.endswith((".", "!", "?")) for caption in segment["scene_captions"])

    def test_a_bad_file_is_listed_and_the_rest_goes_on(self, music: Path):
        paths = [str(music / name) for name in ("broken.mp3", "calm_acoustic_1.opus")]
        finished = musiscene("imagine", *paths, "--kind", "music", "--json", "--quiet")
        assert finished.returncode == 1
        assert [document["path"] for document in documents(finished)] == [paths[1]]
        assert "broken.mp3" in finished.stderr
