"""The planner over a small library in a catalogue, with a matcher that goes by words."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, cast
from uuid import UUID

import msgspec
import numpy as np
import pytest

from indexer.catalogue.repository import Catalogue
from indexer.errors import FilterSyntaxError, SpottingError, TrackNotFoundError
from indexer.match import Matcher
from indexer.spotting.cue_plan import PlanWishes
from indexer.spotting.editing import CueEdit
from indexer.spotting.errors import CueEditError
from indexer.spotting.fill import music_for
from indexer.spotting.planner import CuePlanner
from indexer.spotting.recut import with_known_captions
from indexer.vectors import VectorIndex, publish
from musiscene.video.analysis import TempMusic, VideoSound
from tests.support.listening import WordEmbedder, listening, store, word_reader
from tests.support.spotting import MadeScene, made_analysis

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from indexer.spotting.cue_plan import CuePlan
    from musiscene.embed import TextEmbedder
    from musiscene.video.analysis import Shot, VideoAnalysis

PARTY, STORM, LAKE = "children dance at a birthday party", "a ship fights a storm", "a still lake"
HIT = 88 / 3 - 12
"""Where the second segment of the storm's music begins, on its downbeat, laid 12 s ahead."""
COURSE = tuple(np.repeat([0.2, 0.6, 1.0, 0.5, 0.9, 0.3], 10).tolist())


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    folder = tmp_path_factory.mktemp("spotting")
    with Catalogue.open(folder / "catalogue.sqlite") as opened:
        for number, (name, scene, bpm) in enumerate(
            [("party", PARTY, 128.0), ("storm", STORM, 90.0), ("lake", LAKE, 60.0)]
        ):
            heard = listening(
                f"/m/{name}.wav", bpm=bpm, duration_seconds=60.0, audio_hash=f"{number:064x}"
            )
            course = COURSE[10 * number :] + COURSE[: 10 * number]
            heard = msgspec.structs.replace(heard, energy_curve=course)
            store(opened, heard, scenes=(scene,), music=f"{name} music")
        yield opened


@pytest.fixture(scope="module")
def matcher(catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Matcher:
    folder: Path = tmp_path_factory.mktemp("vectors")
    embedder, revision = WordEmbedder(), catalogue.revision()
    publish(
        folder,
        catalogue.vectors(embedder=embedder.version),
        catalogue.sounds(),
        embedder=embedder.version,
        dimension=embedder.dimension,
        revision=revision,
    )
    index = VectorIndex.open(folder, embedder=embedder.version, revision=revision)
    words = cast("TextEmbedder", embedder)
    return Matcher(catalogue, index, words, word_reader(), without=("mood", "imagined"))


@pytest.fixture
def planner(matcher: Matcher, catalogue: Catalogue) -> CuePlanner:
    return CuePlanner(matcher, catalogue)


@pytest.fixture
def plan(planner: CuePlanner, film: VideoAnalysis) -> CuePlan:
    return planner.plan(film)


@pytest.fixture
def film() -> VideoAnalysis:
    return made_analysis(
        MadeScene(seconds=20, caption=PARTY, cuts=(7.0,)),
        MadeScene(seconds=25, caption=STORM, cuts=(8.0, 16.0)),
        MadeScene(seconds=18, caption=LAKE),
    )


def by_name(catalogue: Catalogue, name: str) -> UUID:
    return catalogue.track_called(f"/m/{name}.wav")


def check_whole(plan: CuePlan) -> None:
    edges = [0, *(cue.end_frame for cue in plan.cues)]
    assert edges[-1] == plan.video.frames
    assert [cue.start_frame for cue in plan.cues] == edges[:-1]
    assert all(one < other for one, other in itertools.pairwise(edges))


def names(plan: CuePlan) -> list[str]:
    return [cue.chosen.track.path[3:-4] if cue.chosen else cue.kind for cue in plan.cues]


class TestPlan:
    def test_each_scene_has_the_track_that_fits_it(
        self, planner: CuePlanner, film: VideoAnalysis
    ) -> None:
        plan = planner.plan(film, PlanWishes(change_cost=0.0))
        check_whole(plan)
        scores = planner.scorer.fits(film.scenes, PlanWishes()).scores
        assert scores.shape == (3, 3)
        assert len(set(scores.argmax(axis=1).tolist())) == 3

    def test_a_filter_holds(self, planner: CuePlanner, film: VideoAnalysis) -> None:
        plan = planner.plan(film, PlanWishes(filter="bpm<70"))
        used = {
            one.track.bpm for cue in plan.cues for one in (cue.chosen, *cue.alternatives) if one
        }
        assert used <= {60.0}
        with pytest.raises(FilterSyntaxError):
            planner.plan(film, PlanWishes(filter="bpm<"))

    def test_no_track_is_left_by_the_filter(self, planner: CuePlanner, film: VideoAnalysis) -> None:
        plan = planner.plan(film, PlanWishes(filter="bpm>500"))
        assert [cue.kind for cue in plan.cues] == ["open"]

    def test_a_scene_without_captions_is_refused(
        self, planner: CuePlanner, film: VideoAnalysis
    ) -> None:
        scenes = (msgspec.structs.replace(film.scenes[0], captions=()), *film.scenes[1:])
        with pytest.raises(SpottingError, match="scene 0 has no caption"):
            planner.plan(msgspec.structs.replace(film, scenes=scenes))

    def test_survives_a_round_trip(self, plan: CuePlan) -> None:
        assert msgspec.json.decode(msgspec.json.encode(plan), type=type(plan)) == plan


class TestEdit:
    def test_any_track_of_the_library_from_where_it_is_best(
        self, planner: CuePlanner, plan: CuePlan, catalogue: Catalogue
    ) -> None:
        for name in ("party", "storm", "lake"):
            changed = planner.swap(plan, plan.cues[0].id, by_name(catalogue, name))
            check_whole(changed)
            assert names(changed)[0] == name
            assert changed.cues[1:] == plan.cues[1:]

    def test_measures_anew_what_was_trimmed(self, planner: CuePlanner, plan: CuePlan) -> None:
        cue = next(cue for cue in plan.cues if cue.kind == "track")
        edit = CueEdit(action="trim", cue=cue.id, end_frame=cue.end_frame - 30)
        changed = planner.edit(plan, [edit])
        check_whole(changed)
        after = next(one for one in changed.cues if one.id == cue.id)
        assert after.chosen is not None
        assert after.alternatives
        assert after.fade_out_seconds > 0

    def test_marks_need_no_library(
        self, matcher: Matcher, catalogue: Catalogue, plan: CuePlan
    ) -> None:
        planner = CuePlanner(matcher, catalogue)
        edits = [CueEdit(action="pin", cue="c1"), CueEdit(action="mute", cue="c1")]
        marked = planner.edit(plan, edits).cues[0]
        assert marked.is_pinned
        assert marked.is_muted
        assert planner.scorer.scored == 0

    def test_all_or_nothing(self, planner: CuePlanner, plan: CuePlan) -> None:
        edits = [CueEdit(action="mute", cue=plan.cues[0].id), CueEdit(action="pin")]
        with pytest.raises(CueEditError):
            planner.edit(plan, edits)

    def test_unknown_tracks(self, planner: CuePlanner, plan: CuePlan) -> None:
        with pytest.raises(TrackNotFoundError):
            planner.swap(plan, plan.cues[0].id, UUID(int=77))

    def test_replan_leaves_what_is_pinned(
        self, planner: CuePlanner, plan: CuePlan, catalogue: Catalogue
    ) -> None:
        first = plan.cues[0].id
        changed = planner.swap(plan, first, by_name(catalogue, "lake"))
        again = planner.edit(changed, [CueEdit(action="pin", cue=first), CueEdit(action="replan")])
        check_whole(again)
        pinned = next(cue for cue in again.cues if cue.id == first)
        assert pinned.is_pinned
        assert pinned.chosen == changed.cues[0].chosen


class TestFill:
    def test_an_open_cue_is_filled_with_what_was_made(
        self, planner: CuePlanner, film: VideoAnalysis, catalogue: Catalogue
    ) -> None:
        plan = planner.plan(film, PlanWishes(filter="bpm>500", no_music=((50.0, 63.0),)))
        cue = plan.cues[0]
        wanted = music_for(plan, cue.id, reading=planner.reading(plan, cue.id))
        assert wanted.seconds == pytest.approx(cue.seconds)
        assert [hit.kind for hit in wanted.hits] == ["hit", "hit", "quiet"]
        assert [hit.seconds for hit in wanted.hits] == [20.0, 45.0, 47.0]
        filled = planner.fill(plan, cue.id, by_name(catalogue, "party"))
        chosen = filled.cues[0].chosen
        assert chosen is not None
        assert chosen.source_start_seconds == 0.0
        assert filled.cues[0].is_pinned
        assert planner.replan(filled).cues[0].chosen == chosen
        with pytest.raises(CueEditError, match="has a track by now"):
            planner.fill(filled, cue.id, by_name(catalogue, "party"))
        with pytest.raises(CueEditError, match="silence it first"):
            music_for(filled, cue.id)


class TestRecut:
    def test_only_changed_scenes_are_scored(self, planner: CuePlanner, film: VideoAnalysis) -> None:
        plan = planner.plan(film)
        before = planner.scorer.scored
        longer = made_analysis(
            MadeScene(seconds=20, caption="other words", cuts=(7.0,)),
            MadeScene(seconds=9, caption="a clown juggles at night", look=77),
            MadeScene(seconds=25, caption="other words", cuts=(8.0, 16.0)),
            MadeScene(seconds=18, caption="other words"),
        )
        shots = [film.shots[0], film.shots[1], None, *film.shots[2:]]
        longer = with_fingerprints(longer, shots)
        bare = [msgspec.structs.replace(scene, captions=()) for scene in longer.scenes]
        known = with_known_captions(plan, msgspec.structs.replace(longer, scenes=tuple(bare)))
        assert [bool(scene.captions) for scene in known.scenes] == [True, False, True, True]
        scenes = (known.scenes[0], longer.scenes[1], *known.scenes[2:])
        again, diff = planner.recut(plan, msgspec.structs.replace(known, scenes=scenes))
        check_whole(again)
        assert planner.scorer.scored == before + 1
        assert (diff.scenes_kept, diff.scenes_changed) == (3, 1)
        kept = [scene.captions for number, scene in enumerate(again.scenes) if number != 1]
        assert kept == [scene.captions for scene in film.scenes]

    def test_what_was_approved_moves_with_its_scenes(
        self, planner: CuePlanner, film: VideoAnalysis
    ) -> None:
        plan = planner.plan(film, PlanWishes(change_cost=0.0, land_on=(28.0,)))
        storm = next(cue for cue in plan.cues if cue.start_frame <= 700 < cue.end_frame)
        plan = planner.edit(plan, [CueEdit(action="pin", cue=storm.id)])
        shorter = made_analysis(
            MadeScene(seconds=12, look=99),
            MadeScene(seconds=25, cuts=(8.0, 16.0)),
            MadeScene(seconds=18),
        )
        shorter = with_fingerprints(shorter, [None, *film.shots[2:]])
        again, diff = planner.recut(plan, shorter)
        check_whole(again)
        moved = next(cue for cue in again.cues if cue.id == storm.id)
        assert moved.is_pinned
        assert moved.end_frame - moved.start_frame <= storm.end_frame - storm.start_frame
        change = next(one for one in diff.changes if one.cue == storm.id)
        assert change.what in {"moved", "trimmed"}
        assert change.before == (storm.start_frame, storm.end_frame)
        assert change.after == (moved.start_frame, moved.end_frame)
        assert again.wishes.land_on == (20.0,)
        assert storm.chosen is not None
        assert moved.chosen is not None
        early = storm.chosen.source_start_seconds - storm.start_seconds
        late = moved.chosen.source_start_seconds - moved.start_seconds
        assert late - early == pytest.approx(8.0, abs=1e-3)

    def test_what_is_gone_is_told(self, planner: CuePlanner, film: VideoAnalysis) -> None:
        plan = planner.plan(film, PlanWishes(change_cost=0.0))
        other = made_analysis(MadeScene(seconds=30, caption=LAKE, look=5))
        again, diff = planner.recut(plan, other)
        check_whole(again)
        assert diff.scenes_kept == 0
        assert {one.what for one in diff.changes} >= {"added", "removed"}


class TestReplaceTemp:
    def test_the_track_that_was_there_is_found_with_its_place(
        self, planner: CuePlanner, film: VideoAnalysis, catalogue: Catalogue
    ) -> None:
        course = (COURSE[10:] + COURSE[:10])[12:52]
        temp = TempMusic(share=0.6, bpm=90.0, energy=course, hits_seconds=(HIT,))
        sound = VideoSound(
            loudness_lufs=-20.0, speech=(), speech_levels_db=(), energy=course, music=temp
        )
        heard = msgspec.structs.replace(film, sound=sound)
        best = planner.like_temp(heard)[0]
        assert best.track.id == by_name(catalogue, "storm")
        assert best.source_start_seconds == pytest.approx(12.0, abs=0.1)
        assert best.energy_fit > 0.99
        assert [round(hit.residual_frames, 2) for hit in best.hits] == [0.0]
        plan = planner.replace_temp(heard)
        check_whole(plan)
        assert plan.activity == course
        assert HIT in plan.wishes.land_on

    def test_without_temp_music(self, planner: CuePlanner, film: VideoAnalysis) -> None:
        with pytest.raises(SpottingError, match="none to replace"):
            planner.replace_temp(film)


def with_fingerprints(analysis: VideoAnalysis, shots: Sequence[Shot | None]) -> VideoAnalysis:
    """The looks of other shots; None leaves a shot its own."""
    made = tuple(
        own if other is None else msgspec.structs.replace(own, fingerprint=other.fingerprint)
        for own, other in zip(analysis.shots, shots, strict=True)
    )
    return msgspec.structs.replace(analysis, shots=made)


class TestNotIndexedYet:
    def test_a_track_without_vectors_is_not_there_yet(
        self, planner: CuePlanner, plan: CuePlan, catalogue: Catalogue
    ) -> None:
        heard = listening("/m/new.wav", duration_seconds=90.0, audio_hash="f" * 64)
        new = store(catalogue, heard, scenes=("a new scene",))
        try:
            with pytest.raises(TrackNotFoundError):
                planner.swap(plan, plan.cues[0].id, new)
        finally:
            catalogue.delete_tracks([new])
