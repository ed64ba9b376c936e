from pathlib import Path

import msgspec
import pytest

from musiscene.data import rows as rows_module
from musiscene.data.rows import (
    MUSICCAPS_LICENCE,
    VACAD_LICENCE,
    VacadRow,
    read_examples,
    read_rows,
    write_rows,
)
from musiscene.errors import MusiSceneError
from tests.support.data import example, musiccaps_row, vacad_row, write_lines

SHARED = Path("../shared/data")


class TestReadRows:
    def test_bad_lines_are_listed_with_line_and_field_and_the_rest_goes_on(self, tmp_path: Path):
        path = write_lines(
            tmp_path / "rows.jsonl",
            [
                vacad_row("a"),
                b"{torn",
                b"",
                b'{"clip_id": 7, "video_caption": "", "music_elements": "", "fused_scene": ""}',
                b'{"clip_id": "c", "video_caption": "", "fused_scene": ""}',
                b'{"clip_id": "\xff"}',
                vacad_row("b"),
            ],
        )
        read = read_rows(path, VacadRow)
        assert [row.clip_id for row in read.good] == ["a", "b"]
        assert [bad.line for bad in read.bad] == [2, 4, 5, 6]
        assert "$.clip_id" in read.bad[1].reason
        assert "music_elements" in read.bad[2].reason
        assert read.bad[0].place == f"{path}:2"

    def test_rows_whose_references_are_kept_apart_can_be_read(self, tmp_path: Path):
        path = write_lines(
            tmp_path / "rows.jsonl",
            [
                b'{"clip_id": "a", "music_elements": "slow"}',
                b'{"clip_id": "b", "aspects": ["slow"], "description": "A piano."}',
            ],
        )
        read = read_examples(path)
        assert [(row.source, row.scene) for row in read.good] == [("vacad", ""), ("musiccaps", "")]

    @pytest.mark.parametrize(
        ("extra", "is_good"), [pytest.param(0, True, id="at"), pytest.param(1, False, id="over")]
    )
    def test_line_length_is_limited(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extra: int, *, is_good: bool
    ):
        line = msgspec.json.encode(vacad_row("a"))
        monkeypatch.setattr(rows_module, "MAX_LINE_BYTES", len(line) + 1 - extra)
        path = write_lines(tmp_path / "rows.jsonl", [line, vacad_row("b") if is_good else b"{}"])
        read = read_rows(path, VacadRow)
        assert (len(read.good) == 2) is is_good
        assert [bad.line for bad in read.bad] == ([] if is_good else [1, 2])

    def test_a_missing_file_and_too_many_rows_are_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        with pytest.raises(MusiSceneError, match="cannot be read"):
            read_rows(tmp_path / "none.jsonl", VacadRow)
        monkeypatch.setattr(rows_module, "MAX_ROWS", 1)
        path = write_lines(tmp_path / "rows.jsonl", [vacad_row("a"), vacad_row("b")])
        with pytest.raises(MusiSceneError, match="more than 1 lines"):
            read_rows(path, VacadRow)


class TestReadExamples:
    def test_all_three_forms_become_one(self, tmp_path: Path):
        path = write_lines(
            tmp_path / "rows.jsonl",
            [
                vacad_row("a"),
                musiccaps_row("b", scene=" At a wedding. "),
                example("c", split="test"),
                b'{"clip_id": "d"}',
                vacad_row("a"),
                b"[]",
            ],
        )
        read = read_examples(path, split="validation")
        vacad, musiccaps, made = read.good
        assert vacad.scene == "A man walks home through the snow."
        assert vacad.licence == VACAD_LICENCE
        assert list(vacad.music) == [
            "music_elements",
            "music_context",
            "music_features",
            "music_heard",
        ]
        assert (musiccaps.scene, musiccaps.annotator) == ("At a wedding.", "4")
        assert musiccaps.music_text == "calm, harp b\nA harp plays alone."
        assert musiccaps.licence == MUSICCAPS_LICENCE
        assert [row.split for row in read.good] == ["validation", "validation", "test"]
        assert made.source == "made"
        assert [bad.line for bad in read.bad] == [4, 5, 6]
        assert "seen before" in read.bad[1].reason

    def test_the_fused_music_is_no_music_text_since_it_has_seen_the_video(self, tmp_path: Path):
        path = write_lines(tmp_path / "rows.jsonl", [vacad_row("a")])
        [row] = read_examples(path).good
        assert "Sad music for a walk" not in row.music_text

    @pytest.mark.parametrize(
        ("name", "count", "with_scene"),
        [
            ("vacad/train", 464, 389),
            ("vacad/validation", 76, 66),
            ("musiccaps/train", 3868, 1696),
            ("musiccaps/validation", 555, 254),
        ],
    )
    def test_released_rows_are_read_whole(self, name: str, count: int, with_scene: int):
        path = SHARED / f"{name}.jsonl"
        if not path.is_file():
            pytest.skip(f"needs {path}")
        read = read_examples(path)
        assert (len(read.good), len(read.bad)) == (count, 0)
        assert sum(bool(row.scene) for row in read.good) == with_scene


class TestWriteRows:
    def test_what_is_written_is_read_again(self, tmp_path: Path):
        path = tmp_path / "new" / "rows.jsonl"
        write_rows(path, [example("a", split="train"), example("b")])
        assert read_examples(path).good == (example("a", split="train"), example("b"))

    def test_a_failure_leaves_the_old_file_and_nothing_else(self, tmp_path: Path):
        path = tmp_path / "rows.jsonl"
        write_rows(path, [example("a")])
        with pytest.raises(TypeError):
            write_rows(path, [example("b"), object()])  # type: ignore[list-item]
        assert read_examples(path).good == (example("a"),)
        assert list(tmp_path.iterdir()) == [path]
