from __future__ import annotations

import json
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from musiscene.audio.read import read_audio
from musiscene.errors import StudyError
from musiscene.progress import ProgressReport
from musiscene.study.create import create_study
from musiscene.study.design import FLOOR, Plan, read_study
from musiscene.study.prepare import hashes_of, verify
from musiscene.study.sources import match_folders, read_plan, read_sources
from tests.support.audio import sine, write_audio
from tests.support.study import links_of, make_study, write_stimuli

if TYPE_CHECKING:
    from pathlib import Path

    from musiscene.study.design import Study


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Study]:
    return make_study(tmp_path_factory.mktemp("made"), raters=5)


class TestCreateStudy:
    def test_pieces_are_alike_in_loudness_and_length_and_say_nothing_of_their_maker(
        self, made: tuple[Path, Study]
    ):
        folder, study = made
        heard = {one.token: read_audio(folder / "stimuli" / f"{one.token}.flac", sample_rate=8_000)
                 for one in study.stimuli}  # fmt: skip
        assert [one.loudness_lufs for one in heard.values()] == pytest.approx(
            [-23.0] * len(heard), abs=0.3
        )
        assert {round(one.info.duration_seconds, 3) for one in heard.values()} == {0.6}
        assert all(one.info.title is None for one in heard.values())
        assert all(np.abs(one.waveform[[0, -1]]).max() < 0.01 for one in heard.values())
        for path in (folder / "stimuli").iterdir():
            with av.open(str(path)) as opened:
                assert set(opened.metadata) <= {"encoder"}
        assert read_study(folder) == study

    def test_the_floor_plays_each_items_music_under_another(self, made: tuple[Path, Study]):
        _, study = made
        floor = [one for one in study.stimuli if one.system == FLOOR]
        assert len(floor) == 3
        assert all(not one.source.endswith(f"{one.item[-1]}.wav") for one in floor)

    def test_links_are_as_many_as_places_and_not_in_the_answers(self, made: tuple[Path, Study]):
        folder, _ = made
        links = links_of(folder)
        assert len(set(links)) == 5
        assert not any(link in (folder / "answers.jsonl").read_text() for link in links)

    def test_a_piece_that_cannot_be_heard_leaves_nothing_behind(self, tmp_path: Path):
        table = write_stimuli(tmp_path, systems=2, items=2)
        write_audio(tmp_path / "best-1.wav", np.zeros(8_000, np.float32), sample_rate=8_000)
        (tmp_path / "middle-0.wav").write_bytes(b"no audio")
        before = sorted(tmp_path.iterdir())
        with pytest.raises(StudyError, match=r"(?s)best-1\.wav.*middle-0\.wav"):
            create_study(tmp_path / "s", read_sources(table), Plan(), ProgressReport())
        assert sorted(tmp_path.iterdir()) == before

    def test_missing_pieces_are_listed(self, tmp_path: Path):
        table = write_stimuli(tmp_path)
        table.write_text("\n".join(table.read_text().splitlines()[:-2]))
        with pytest.raises(StudyError, match=r"(?s)worst/clip-1: missing.*worst/clip-2: missing"):
            create_study(tmp_path / "s", read_sources(table), Plan(), ProgressReport())

    def test_a_folder_that_is_there_stays_as_it_is(self, made: tuple[Path, Study]):
        folder, _ = made
        sources = read_sources(folder.parent / "stimuli.jsonl")
        with pytest.raises(StudyError, match="is there already"):
            create_study(folder, sources, Plan(), ProgressReport())

    def test_a_video_is_shown_without_its_sound_and_metadata(self, tmp_path: Path):
        clip = tmp_path / "clip.mp4"
        with av.open(str(clip), "w") as made:
            made.metadata["title"] = "made by best"
            stream = made.add_stream("h264", rate=10, options={"preset": "ultrafast"})
            stream.width = stream.height = 32
            stream.pix_fmt = "yuv420p"
            for _ in range(5):
                frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
                made.mux(stream.encode(frame))
            made.mux(stream.encode(None))
        stimuli = write_stimuli(tmp_path, systems=1, items=2)
        rows = [json.loads(line) for line in stimuli.read_text().split("\n")]
        table = tmp_path / "with-video.jsonl"
        table.write_text("\n".join(json.dumps(row | {"video": clip.name}) for row in rows))
        folder = tmp_path / "s"
        plan = Plan(excerpt_seconds=0.5, random_floor=False)
        study = create_study(folder, read_sources(table), plan, ProgressReport())
        verify(folder / "stimuli", hashes_of(study.stimuli, study.media))
        assert len(study.media) == 2
        with av.open(str(folder / "stimuli" / next(iter(study.media)))) as shown:
            assert (len(shown.streams.video), len(shown.streams.audio)) == (1, 0)
            assert "title" not in shown.metadata


class TestMatchFolders:
    def test_files_are_matched_by_stem(self, tmp_path: Path):
        for system in ("a", "b"):
            (tmp_path / system).mkdir()
            wave = sine(300, seconds=0.5)
            write_audio(tmp_path / system / "one.wav", wave, sample_rate=44_100)
        items = tmp_path / "items.jsonl"
        items.write_text('{"item": "one", "text": "rain"}')
        folders = {name: tmp_path / name for name in ("a", "b")}
        found = match_folders(folders, items)
        assert [(one.system, one.item, one.text) for one in found] == [
            ("a", "one", "rain"), ("b", "one", "rain"),
        ]  # fmt: skip


class TestReadPlan:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            pytest.param("point = 5", "point", id="unknown name"),
            pytest.param("points = 1", "points", id="out of bounds"),
            pytest.param("rates = false", "asked nothing", id="no question"),
            pytest.param("= 3", "s.toml", id="no TOML"),
        ],
    )
    def test_what_is_wrong_is_said(self, tmp_path: Path, text: str, message: str):
        path = tmp_path / "s.toml"
        path.write_text(text)
        with pytest.raises(StudyError, match=message):
            read_plan(path)
