from pathlib import Path

import pytest

from musiscene.audio.read import probe_audio
from musiscene.errors import MusiSceneError
from musiscene.evaluation.background_music.music import Job, MadePiece, Studio, seed_of
from musiscene.progress import ProgressReport
from tests.support.background_music import ToneGenerator, backend

JOBS = [
    Job(system, clip, 0, f"{word} tones")
    for clip in ("a", "b")
    for system, word in (("video", "calm"), ("music", "loud"))
]


def studio(generator: ToneGenerator, folder: Path) -> Studio:
    return Studio(backend(generator), folder, seconds=5.0, seed=0)


def make(
    made_by: Studio, jobs: list[Job], failures: list[tuple[str, str]] | None = None
) -> dict[Job, MadePiece]:
    told = [] if failures is None else failures
    return made_by.make(jobs, ProgressReport(), lambda *one: told.append(one))


class TestStudio:
    def test_a_run_that_was_killed_goes_on_where_it_was(self, tmp_path: Path):
        first = ToneGenerator()
        make(studio(first, tmp_path), JOBS[:3])
        second = ToneGenerator()
        again = studio(second, tmp_path)
        made = make(again, JOBS)
        assert len(first.made) == 3
        assert second.made == ["loud tones"]
        assert list(made) == JOBS
        for piece in made.values():
            assert probe_audio(again.file_of(piece)).duration_seconds == pytest.approx(5.0)
            assert piece.sound.clipped_share == 0.0

    def test_one_that_fails_is_listed_and_made_when_it_can_be(self, tmp_path: Path):
        failures: list[tuple[str, str]] = []
        made = make(studio(ToneGenerator(refused="loud"), tmp_path), JOBS, failures)
        assert [job.system for job in made] == ["video", "video"]
        assert failures[0] == ("a, music, take 0", "no music for loud")
        whole = make(studio(ToneGenerator(), tmp_path), JOBS)
        assert len(whole) == 4

    def test_music_of_two_models_never_lies_in_one_folder(self, tmp_path: Path):
        make(studio(ToneGenerator(), tmp_path), JOBS[:1])
        with pytest.raises(MusiSceneError, match="tones-1, and this is tones-2"):
            make(studio(ToneGenerator(model="tones-2"), tmp_path), JOBS)

    def test_a_file_that_was_removed_is_made_anew(self, tmp_path: Path):
        first = studio(ToneGenerator(), tmp_path)
        made = make(first, JOBS[:1])
        first.file_of(made[JOBS[0]]).unlink()
        again = ToneGenerator()
        remade = make(studio(again, tmp_path), JOBS[:1])
        assert again.made == ["calm tones"]
        assert remade == made


class TestSeedOf:
    def test_captions_of_a_clip_share_it_and_clips_and_takes_do_not(self):
        video, music, other = JOBS[0], JOBS[1], JOBS[2]
        assert seed_of(video, 0) == seed_of(music, 0) != seed_of(other, 0)
        assert seed_of(video, 0) != seed_of(video, 1)
        assert seed_of(video, 0) != seed_of(video._replace(take=1), 0)
