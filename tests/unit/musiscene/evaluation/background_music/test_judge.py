import numpy as np
import pytest

from musiscene.evaluation.background_music.ear import HeardPiece
from musiscene.evaluation.background_music.judge import Judge, System, Texts
from musiscene.progress import ProgressReport
from tests.support.background_music import heard_piece
from tests.support.evaluation import word_embedder
from tests.support.listening import word_reader

TAGS = ("piano", "guitar", "drums", "flute", "harp", "metal", "violin", "cello")
CLIPS = [f"{tag} {place}" for tag, place in zip(TAGS, "abcdefgh", strict=True)]


def piece(number: int, *, shift: float = 0.0) -> HeardPiece:
    return heard_piece(number, tags={TAGS[number]: 0.9}, scene=CLIPS[number], shift=shift)


RIGHT = System("video", "caption", tuple((piece(n),) for n in range(8)))
WRONG = System("music", "caption", tuple((piece((n + 3) % 8, shift=3.0),) for n in range(8)))
REFERENCE = [heard_piece(seed) for seed in range(100, 130)]


def judge(*, own: bool = True, reference: bool = True) -> Judge:
    return Judge(
        Texts(video=CLIPS, music=CLIPS),
        [piece(n) for n in range(8)] if own else None,
        REFERENCE if reference else [],
        reader=word_reader(),
        embedder=word_embedder(),
        seed=0,
    )


class TestJudge:
    def test_music_that_belongs_to_its_clip_wins(self):
        (right, wrong), comparisons = judge().judge([RIGHT, WRONG], ProgressReport())
        assert right.found_by_fit.recall_at_1 == right.found_by_scene.recall_at_1 == 1.0
        assert wrong.found_by_fit.recall_at_1 == 0.0
        assert right.fit.gap.low > 0 > wrong.fit.gap.high
        assert right.scene.value.mean > wrong.scene.value.mean
        assert right.tags_own is not None
        assert wrong.tags_own is not None
        assert right.tags_own.mean == pytest.approx(0.0)
        assert wrong.tags_own.mean > 0.1
        told = {one.figure: one for one in comparisons}
        assert set(told) == {"fit", "scene", "tags_own"}
        assert told["fit"].difference.low > 0
        assert told["fit"].p == told["fit"].p_holm < 0.05

    def test_music_unlike_real_music_is_far_from_it(self):
        (near, far), _ = judge().judge([RIGHT, WRONG], ProgressReport())
        assert near.frechet is not None
        assert far.frechet is not None
        assert near.kernel is not None
        assert far.kernel is not None
        assert far.frechet.distance.mean > 40.0 > near.frechet.distance.high  # 6 x 3 squared
        assert near.frechet.limit < near.frechet.distance.mean
        assert far.kernel.low > near.kernel.high

    def test_the_moved_figure_is_the_mean_over_all_other_clips(self):
        (right, _), _ = judge().judge([RIGHT, WRONG], ProgressReport())
        vectors = word_embedder().encode(CLIPS)
        cosines = vectors @ vectors.T
        others = (cosines.sum() - np.trace(cosines)) / (8 * 7)
        assert right.scene.moved == pytest.approx(others, abs=1e-6)

    def test_takes_are_averaged_by_clip(self):
        takes = tuple(
            (*first, *second) for first, second in zip(RIGHT.pieces, WRONG.pieces, strict=True)
        )
        both = System("video", "caption", takes)
        (right, wrong), _ = judge().judge([RIGHT, WRONG], ProgressReport())
        ((mixed,), _) = judge().judge([both], ProgressReport())
        assert mixed.pieces == 16
        assert mixed.scene.value.mean == pytest.approx(
            (right.scene.value.mean + wrong.scene.value.mean) / 2
        )

    def test_without_real_music_there_are_no_distances(self):
        (right,), _ = judge(own=False, reference=False).judge([RIGHT], ProgressReport())
        figures = (right.frechet, right.kernel, right.tags_pooled, right.tags_own)
        assert figures == (None, None, None, None)

    def test_long_prompts_are_tested_against_their_short_ones_alone(self):
        long = WRONG._replace(name="video, long")
        _, comparisons = judge(own=False).judge([RIGHT, WRONG, long], ProgressReport())
        pairs = {(one.first, one.second) for one in comparisons}
        assert pairs == {("video", "music"), ("video", "video, long")}
