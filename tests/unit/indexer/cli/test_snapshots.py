from __future__ import annotations

import hashlib
import json
import zipfile
from typing import TYPE_CHECKING, Any, cast

import click
import pytest
from click.testing import CliRunner

from indexer.cli.snapshots import SNAPSHOT_COMMANDS
from indexer.feedback import note_opinion
from indexer.library import Library
from indexer.vectors.layout import PARTS
from musiscene.checkpoints import first_use
from musiscene.console import Places
from tests.support.listening import WordEmbedder, listening, new_catalogue, store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    from indexer.catalogue.models import Track
    from musiscene.embed import TextEmbedder

TRACKS = {"lake": "a calm lake", "chase": "a wild chase", "fair": "a loud fair"}


class Placed:
    """Commands run in one data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.group = click.Group(commands=SNAPSHOT_COMMANDS)

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(self.group, arguments, obj=Places(data_dir=self.folder))

    def run_json(self, *arguments: str) -> dict[str, Any]:
        result = self.run(*arguments, "--json", "--quiet")
        assert result.exit_code == 0, result.output
        found: dict[str, Any] = json.loads(result.stdout)
        return found

    def library(self) -> Library:
        return Library.open(self.folder, cast("Any", None), create=True)


@pytest.fixture
def placed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Placed:
    def open_library(data_dir: Path, *_: object, **__: object) -> Library:
        data_dir.mkdir(exist_ok=True)
        embedder = cast("TextEmbedder", WordEmbedder())
        return Library(new_catalogue(data_dir), data_dir / "vectors", embedder)

    monkeypatch.setattr(Library, "open", open_library)
    monkeypatch.setattr(first_use, "store_with", lambda *_: None)
    made = Placed(tmp_path / "ours")
    with made.library() as library:
        for name, scene in TRACKS.items():
            heard = listening(f"/home/ann/{name}.wav", audio_hash=name, tags={"piano": 0.75})
            track = store(library.catalogue, heard, scenes=[scene])
        note_opinion(
            library.catalogue, library.embedder, track_id=track, brief="a fair", verdict="accept"
        )
        library.publish()
    return made


class TestVerify:
    def test_says_that_all_is_well(self, placed: Placed):
        result = placed.run("verify")
        assert result.exit_code == 0
        assert "3 tracks and 6 vectors are whole; 6 vectors" in result.stdout
        assert placed.run_json("verify", "--sample", "2")["compared"] == 2

    def test_names_the_file_that_was_changed_and_what_mends_it(self, placed: Placed):
        [file] = (placed.folder / "vectors" / PARTS).glob("*/index.faiss")
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content)
        result = placed.run("verify")
        assert result.exit_code == 1
        assert f"{file}: its bytes differ" in result.stderr
        assert "musiscene index rebuild" in result.stderr
        assert placed.run("rebuild").exit_code == 0
        assert placed.run("verify").exit_code == 0

    def test_finds_vectors_that_are_not_the_catalogues(self, placed: Placed):
        with placed.library() as library:
            with library.catalogue.vector_rows() as rows:
                [first, *_] = rows.vectors(embedder="words-1")
                revision = rows.revision
            library.catalogue.replace_vectors(
                {first.caption_id: bytes(len(first.data))}, embedder="words-1"
            )
            manifest = library.vectors_dir.joinpath(
                (library.vectors_dir / "CURRENT").read_text().strip(), "manifest.json"
            )
            told = manifest.read_text().replace(
                f'"revision": {revision}', f'"revision": {library.catalogue.revision()}'
            )
            manifest.write_text(told)
        problems = json.loads(placed.run("verify", "--json").stdout)["problems"]
        assert [one["what"] for one in problems] == [
            f"caption {first.caption_id} is indexed wrongly"
        ]

    def test_tells_a_stale_index_and_tracks_that_are_gone(self, placed: Placed):
        with placed.library() as library:
            gone = library.catalogue.track_called("chase.wav")
            library.catalogue.delete_tracks([gone])
        result = placed.run("verify")
        assert result.exit_code == 1
        assert f"track {gone} is not in the catalogue" in result.stderr
        assert "true to revision 3" in result.stderr

    def test_tells_what_the_database_lost(self, placed: Placed):
        with placed.library() as library, library.catalogue.vector_rows() as rows:
            connection = rows.session.connection()
            for line in ("DELETE FROM vector WHERE caption_id = 1", "COMMIT", "BEGIN"):
                connection.exec_driver_sql(line)
        result = placed.run("verify")
        assert result.exit_code == 1
        assert "/home/ann/lake.wav: 1 captions have no vector" in result.stderr


class TestStats:
    def test_counts_everything(self, placed: Placed):
        found = placed.run_json("stats")
        assert found["catalogue"] == {
            "tracks": 3, "segments": 6, "captions": 6, "vectors": 6, "tags": 3, "opinions": 1,
            "by_status": {"ready": 3}, "by_model": {"test-1": 3}, "by_listening": {"test-1": 3},
            "by_embedder": {"words-1": 6},
        }  # fmt: skip
        assert (found["index"]["kind"], found["index"]["tombstones"]) == ("flat", 0)
        assert found["bytes"]["vectors"] > 6 * 4 * WordEmbedder.dimension
        assert "recall_at_10" in placed.run("stats").stdout

    def test_counts_tombstones_until_they_are_compacted(self, placed: Placed):
        with placed.library() as library:
            store(library.catalogue, listening("/home/ann/more.wav", audio_hash="m"), scenes="xy")
            library.catalogue.set_status([library.catalogue.track_called("lake.wav")], "missing")
            library.publish()
        assert placed.run_json("compact")["tombstones"] == 0
        assert placed.run_json("stats")["index"]["count"] == 7


class TestExchange:
    def test_another_folder_answers_the_same(self, placed: Placed, tmp_path: Path):
        file = tmp_path / "library.zip"
        assert placed.run_json("export", str(file))["tracks"] == 3
        theirs = Placed(tmp_path / "theirs")
        arguments = ["import", str(file), "--relocate", "/home/ann", "/music"]
        assert theirs.run_json(*arguments) == {"added": 3, "known": 0, "kept": [], "opinions": 1}
        with placed.library() as ours, theirs.library() as other:
            mine, copied = by_path(ours), by_path(other)
            assert sorted(copied) == ["/music/chase.wav", "/music/fair.wav", "/music/lake.wav"]
            for path, track in mine.items():
                own = copied[path.replace("/home/ann", "/music")]
                assert (own.id, own.bpm, own.beat_times) == (track.id, track.bpm, track.beat_times)
                assert [one.text for one in own.captions] == [one.text for one in track.captions]
                assert [one.score for one in own.tags] == [0.75]
            query = WordEmbedder().encode(["a calm lake"])
            answers = [one.vectors().search(query, top_k=6)[0].tolist() for one in (ours, other)]
            assert answers[0] == answers[1]
            assert repr(ours.catalogue.heard(track.id)) == repr(other.catalogue.heard(track.id))
        assert theirs.run("verify").exit_code == 0
        assert theirs.run_json(*arguments) == {"added": 0, "known": 3, "kept": [], "opinions": 0}

    def test_other_audio_under_a_path_is_kept_and_told(self, placed: Placed, tmp_path: Path):
        file = tmp_path / "library.zip"
        placed.run_json("export", str(file))
        theirs = Placed(tmp_path / "theirs")
        with theirs.library() as library:
            store(library.catalogue, listening("/home/ann/lake.wav", audio_hash="other"))
        result = theirs.run("import", str(file))
        assert result.exit_code == 1
        assert "/home/ann/lake.wav: other audio is here" in result.stderr
        assert "2 tracks added" in result.stdout

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            (lambda text: text.replace('"kind":"scene"', '"kind":"dance"', 1), "does not take it"),
            (lambda text: text.replace('"bpm":120.0', '"bpm":"fast"', 1), "track.bpm is 'fast'"),
            (lambda text: text.replace('"segment":0', '"segment":9', 1), "about segment 9"),
            (lambda text: text.replace("/home/ann/lake", "/home/../lake", 1), "its path is"),
            (lambda text: text.replace('"bpm":', '"pace":1,"bpm":', 1), "newer MusiScene"),
            (lambda text: text.replace('"audio_hash":"fair"', '"audio_hash":null'), "is missing"),
            (lambda text: text[:-40], "track 3"),
        ],
        ids=["kind", "number", "segment", "path", "column", "null", "cut"],
    )
    def test_a_wrong_line_leaves_nothing_behind(
        self, placed: Placed, tmp_path: Path, change: Callable[[str], str], reason: str
    ):
        theirs = Placed(tmp_path / "theirs")
        file = rewritten(placed, tmp_path, change, is_honest=True)
        result = theirs.run("import", str(file))
        assert result.exit_code != 0
        assert reason in str(result.exception)
        with theirs.library() as library:
            assert library.catalogue.known_files() == {}

    def test_a_file_that_was_changed_is_refused_at_its_end(self, placed: Placed, tmp_path: Path):
        theirs = Placed(tmp_path / "theirs")
        file = rewritten(placed, tmp_path, lambda text: text.replace("calm", "mild"))
        result = theirs.run("import", str(file))
        assert "not what its manifest says" in str(result.exception)
        with theirs.library() as library:
            assert library.catalogue.known_files() == {}

    @pytest.mark.usefixtures("placed")
    def test_what_is_no_library_is_refused(self, tmp_path: Path):
        theirs = Placed(tmp_path / "theirs")
        for name, members, reason in (
            ("text", None, "no exported library"),
            ("other", {"../../etc/passwd": b"x"}, "two files"),
            ("damaged", {"manifest.json": b"{", "tracks.jsonl": b""}, "manifest cannot be read"),
            ("newer", {"manifest.json": b'{"format": 9}', "tracks.jsonl": b""}, "of format 9"),
        ):
            file = tmp_path / name
            if members is None:
                file.write_text("no archive")
            else:
                with zipfile.ZipFile(file, "w") as archive:
                    for member, content in members.items():
                        archive.writestr(member, content)
            assert reason in str(theirs.run("import", str(file)).exception)

    def test_what_would_fill_the_disk_is_refused(self, placed: Placed, tmp_path: Path):
        theirs = Placed(tmp_path / "theirs")
        bomb = rewritten(placed, tmp_path, lambda _: " " * 30_000_000, is_honest=True)
        assert "times its size" in str(theirs.run("import", str(bomb)).exception)
        assert "--max-mb" in str(theirs.run("import", str(bomb), "--max-mb", "1").exception)


def by_path(library: Library) -> dict[str, Track]:
    """Its tracks."""
    tracks = library.catalogue.tracks(list(library.vectors().track_ids))
    return {track.path: track for track in tracks.values()}


def rewritten(
    placed: Placed, folder: Path, change: Callable[[str], str], *, is_honest: bool = False
) -> Path:
    """An exported library with other tracks, and with a manifest that says so or does not."""
    placed.run_json("export", str(folder / "library.zip"))
    with zipfile.ZipFile(folder / "library.zip") as archive:
        manifest = json.loads(archive.read("manifest.json"))
        lines = change(archive.read("tracks.jsonl").decode()).encode()
    if is_honest:
        manifest["sha256"] = hashlib.sha256(lines).hexdigest()
    manifest["size_bytes"] = len(lines)
    with zipfile.ZipFile(folder / "changed.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        archive.writestr("tracks.jsonl", lines)
    return folder / "changed.zip"
