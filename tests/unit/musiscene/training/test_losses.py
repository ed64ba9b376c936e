"""The ranking term: what it is, whom it compares, and that its gradient is exact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest
import torch

from musiscene.progress import ProgressReport
from musiscene.training.examples import IGNORED, Example
from musiscene.training.finetune import finetune
from musiscene.training.losses import both_terms, learnt_tokens, pair_rows
from musiscene.training.recipe import Recipe
from musiscene.training.run_folder import RunFolder
from tests.support.hearing import made_features, tiny_hearing_model
from tests.support.language_model import write_tiny_language_model
from tests.support.lessons import SHAPE, made_lessons

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from musiscene.music_language_model import MusicLanguageModel

RECIPE = Recipe(
    language_model="tiny", phase="adapter", prompt="{music}", rows_per_batch=4, unlikelihood=0.5,
    margin=2.0,
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_language_model(tmp_path_factory.mktemp("tiny") / "tiny")


def row(asked: int, answer: tuple[int, ...], features: Tensor | None = None) -> Example:
    prompt = tuple(range(asked, 2 * asked))
    return Example(
        token_ids=(*prompt, *answer),
        labels=(IGNORED,) * asked + answer,
        features=None if features is None else features.numpy(),
    )


def rows() -> list[Example]:
    one, other = made_features(2)
    return [row(3, (7, 8), one), row(5, (9, 10, 11), other), row(4, (5,)), row(6, (6, 12))]


def likelihood(model: MusicLanguageModel, example: Example) -> Tensor:
    """Of a token, worked out row by row."""
    token_ids = torch.tensor([example.token_ids])
    audio = None if example.features is None else model.hear(torch.tensor(example.features)[None])
    return -model.loss(token_ids, torch.tensor([example.labels]), audio)


class TestPairRows:
    def test_answers_meet_the_music_of_another_row_of_their_kind(self):
        first, second, third, fourth = rows()
        paired = [other for _, other in pair_rows([first, second, third, fourth])]
        assert paired[0] is not None
        assert paired[2] is not None
        np.testing.assert_array_equal(paired[0].features, second.features)
        assert (paired[0].token_ids, paired[0].labels) == (first.token_ids, first.labels)
        assert paired[2].token_ids == (*fourth.token_ids[:6], 5)
        assert paired[2].labels == (IGNORED,) * 6 + (5,)

    def test_a_row_alone_of_its_kind_has_no_other(self):
        first, _, third, _ = rows()
        assert [other for _, other in pair_rows([first, third])] == [None, None]

    def test_same_music_and_same_answers_are_not_told_apart(self):
        one, other = made_features(2)
        same_music = [row(3, (7,), one), row(3, (8,), one)]
        same_answer = [row(3, (7,), one), row(4, (7,), other)]
        same_prompt = [row(3, (7,)), row(3, (8,))]
        for batch in (same_music, same_answer, same_prompt):
            assert [pair for _, pair in pair_rows(batch)] == [None, None]


class TestBothTerms:
    def test_are_those_of_the_formula(self, folder: Path):
        model = tiny_hearing_model(folder)
        pairs = pair_rows(rows())
        with torch.no_grad():
            found = both_terms(model, pairs, RECIPE)
            loss = sum(-likelihood(model, own) * learnt_tokens([own]) for own, _ in pairs)
            term = sum(
                max(0.0, RECIPE.margin - float(likelihood(model, own) - likelihood(model, other)))
                for own, other in pairs
                if other is not None
            )
        assert float(found[0]) == pytest.approx(float(loss), rel=1e-5)
        assert float(found[1]) == pytest.approx(term, rel=1e-4)
        assert term > 0

    def test_the_gradient_is_that_of_the_formula(self, folder: Path):
        model = tiny_hearing_model(folder)
        model.start_phase("adapter")
        pairs = pair_rows(rows())
        ways: list[list[Tensor]] = []
        for is_whole in (True, False):
            if is_whole:
                term: Any = both_terms(model, pairs, RECIPE)[1]
            else:
                term = sum(
                    (RECIPE.margin - likelihood(model, own) + likelihood(model, other)).clamp(min=0)
                    for own, other in pairs
                    if other is not None
                )
            model.zero_grad()
            term.backward()
            grads = [weight.grad for weight in model.adapter.parameters()]
            ways.append([grad.clone() for grad in grads if grad is not None])
        for found, expected in zip(*ways, strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)
        assert any(bool(gradient.abs().sum() > 0) for gradient in ways[0])

    def test_without_weight_it_is_the_plain_loss(self, folder: Path):
        model = tiny_hearing_model(folder)
        plain = msgspec.structs.replace(RECIPE, unlikelihood=0.0)
        with torch.no_grad():
            found = both_terms(model, [(each, None) for each in rows()], plain)
            expected = both_terms(model, pair_rows(rows()), RECIPE)
        assert float(found[0]) == pytest.approx(float(expected[0]), rel=1e-5)
        assert float(found[1]) == 0.0


def test_training_with_it_widens_the_gap_between_own_and_other_audio(folder: Path, tmp_path: Path):
    from musiscene.language_model import LanguageModel
    from musiscene.music_language_model import MusicLanguageModel

    taught = made_lessons(18)
    gaps = []
    for weight in (0.0, 0.5):
        recipe = msgspec.structs.replace(
            RECIPE, unlikelihood=weight, epochs=8.0, base_learning_rate=2.0, max_gradient_norm=0.0
        )
        run = RunFolder(tmp_path / str(weight))
        run.begin(recipe, [], 18)
        torch.manual_seed(0)
        model = MusicLanguageModel.fresh(
            LanguageModel.load(folder), encoder_layers=SHAPE[0], encoder_width=SHAPE[1], layers=2
        )
        finetune(recipe, model, taught, taught, run, ProgressReport())
        look = run.metrics()[-1]
        gaps.append(look["other_audio_loss"] - look["validation_loss"])
    assert gaps[1] > gaps[0] + 0.1
