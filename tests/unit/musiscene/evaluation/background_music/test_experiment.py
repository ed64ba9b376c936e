from pathlib import Path

from musiscene.evaluation.background_music.clips import Clip
from musiscene.evaluation.background_music.experiment import Hall, plan_jobs, share_out
from musiscene.evaluation.background_music.music import Studio
from musiscene.progress import ProgressReport
from tests.support.background_music import PlainCaptioner, ToneGenerator, backend, plain_ear
from tests.support.listening import word_reader

TRACKS = [Path(f"/music/{number}.ogg") for number in range(9)]
CLIPS = [Clip(id=name, video=f"{name} walks", music="drums") for name in ("ann", "bob", "cem")]


class TestPlanJobs:
    def test_every_clip_gets_every_caption_in_every_form(self):
        captions = {clip.id: PlainCaptioner().caption(clip) for clip in CLIPS}
        jobs = plan_jobs(CLIPS, captions, ("short", "long"), takes=2, reader=word_reader())
        assert len(jobs) == len(set(jobs)) == 3 * 4 * 2 * 2
        assert {job.system for job in jobs} >= {"video", "msi", "video, long", "msi, long"}
        [long] = {job.prompt for job in jobs if job[:2] == ("msi, long", "bob")}
        assert long == "bob walks at night"


class TestShareOut:
    def test_no_track_serves_for_two_things(self):
        real = share_out(CLIPS, TRACKS, seed=0)
        baselines = {*real.own.values(), *real.others.values()}
        assert len(real.reference) == 4
        assert not baselines.intersection(real.reference)
        assert all(real.own[clip.id] != real.others[clip.id] for clip in CLIPS)

    def test_own_music_is_real_and_another_clips_is_random(self):
        clips = [
            Clip(id=clip.id, video=clip.video, audio=track)
            for clip, track in zip(CLIPS, TRACKS, strict=False)
        ]
        real = share_out(clips, TRACKS, seed=0)
        assert real.own == {clip.id: clip.audio for clip in clips}
        assert set(real.others.values()) == set(TRACKS[:3])
        assert all(real.others[clip.id] != clip.audio for clip in clips)
        assert set(real.reference) == set(TRACKS[3:])

    def test_without_tracks_there_are_none(self):
        real = share_out(CLIPS, [], seed=0)
        assert (real.reference, real.own, real.others) == ((), {}, {})


class TestHall:
    def test_a_clip_that_lacks_a_piece_is_not_judged(self, tmp_path: Path):
        captions = {clip.id: PlainCaptioner().caption(clip) for clip in CLIPS}
        jobs = plan_jobs(CLIPS, captions, ("long",), takes=1, reader=word_reader())
        studio = Studio(backend(ToneGenerator(refused="bob walks at")), tmp_path, seconds=5, seed=0)
        made = studio.make(jobs, ProgressReport(), lambda *_: None)
        hall = Hall(plain_ear(), studio, seconds=5, seed=0)
        heard = hall.hear(
            CLIPS, jobs, made, share_out(CLIPS, [], seed=0), ProgressReport(), lambda *_: None
        )
        assert [clip.id for clip in heard.clips] == ["ann", "cem"]
        assert [system.name for system in heard.systems][-1] == "shuffled"
        first, shuffled = heard.systems[0], heard.systems[-1]
        assert shuffled.pieces == first.pieces[::-1]
        assert heard.own is None
        sound = next(iter(made.values())).sound
        assert first.pieces[0][0].sound == sound
