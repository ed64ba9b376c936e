import pytest
import torch
from transformers import TemperatureLogitsWarper, TopPLogitsWarper

from musiscene.language_model.sampling import Sampling, draw_tokens, draw_uniforms
from musiscene.language_model.sampling import nucleus as own_nucleus

VOCABULARY = 1000
SPREADS = [
    pytest.param(6.0, id="peaked: the candidates suffice"),
    pytest.param(0.3, id="flat: all must be sorted"),
]


def nucleus(logits: torch.Tensor, temperature: float, top_p: float) -> torch.Tensor:
    """Probabilities in the order of the vocabulary."""
    probabilities, token_ids = own_nucleus(logits, temperature, top_p)
    return torch.zeros_like(logits).scatter(1, token_ids, probabilities)


def random_logits(spread: float, *, rows: int = 8) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return spread * torch.randn(rows, VOCABULARY, generator=generator)


class TestNucleus:
    @pytest.mark.parametrize("spread", SPREADS)
    @pytest.mark.parametrize("temperature", [0.6, 1.0, 1.7])
    @pytest.mark.parametrize("top_p", [0.1, 0.8, 0.95])
    def test_is_that_of_transformers(self, spread: float, temperature: float, top_p: float):
        logits = random_logits(spread)
        warped = TemperatureLogitsWarper(temperature)(torch.empty(0).long(), logits)
        warped = TopPLogitsWarper(top_p)(torch.empty(0).long(), warped)
        expected = warped.softmax(-1)
        found = nucleus(logits, temperature, top_p)
        assert torch.equal(found > 0, expected > 0)
        torch.testing.assert_close(found, expected)

    def test_rows_that_need_all_tokens_do_not_change_the_others(self):
        logits = torch.cat([random_logits(6.0, rows=1), random_logits(0.3, rows=1)])
        together = nucleus(logits, 1.0, 0.8)
        alone = torch.cat([nucleus(row[None], 1.0, 0.8) for row in logits])
        torch.testing.assert_close(together, alone)

    @pytest.mark.parametrize("spread", [0.3, 1.0])
    def test_a_share_of_1_keeps_all(self, spread: float):
        logits = random_logits(spread)
        found = nucleus(logits, 1.0, 1.0)
        torch.testing.assert_close(found, logits.softmax(-1))
        assert (found > 0).all()

    def test_the_likeliest_stays_however_small_the_share(self):
        logits = random_logits(6.0)
        found = nucleus(logits, 1.0, 1e-9)
        assert torch.equal(found.argmax(-1), logits.argmax(-1))
        assert ((found > 0).sum(-1) == 1).all()

    @pytest.mark.parametrize("vocabulary", [3, 64, 65])
    def test_small_vocabularies_are_kept_whole(self, vocabulary: int):
        logits = random_logits(1.0)[:, :vocabulary]
        torch.testing.assert_close(nucleus(logits, 1.0, 1.0), logits.softmax(-1))


class TestDrawTokens:
    def test_draws_in_proportion(self):
        logits = torch.tensor([0.5, 0.3, 0.15, 0.05]).log().expand(10_000, 4)
        uniforms = (torch.arange(10_000) + 0.5) / 10_000
        counts = draw_tokens(logits, uniforms, 1.0, 1.0)[0].bincount(minlength=4)
        assert counts.tolist() == pytest.approx([5000, 3000, 1500, 500], abs=2)

    def test_top_p_leaves_out_the_tail(self):
        logits = torch.tensor([0.5, 0.3, 0.15, 0.05]).log().expand(1000, 4)
        uniforms = torch.arange(1000) / 1000
        counts = draw_tokens(logits, uniforms, 1.0, 0.75)[0].bincount(minlength=4)
        assert counts.tolist() == pytest.approx([625, 375, 0, 0], abs=2)

    @pytest.mark.parametrize("spread", SPREADS)
    def test_the_last_number_below_1_draws_a_token_of_the_nucleus(self, spread: float):
        logits = random_logits(spread)
        highest = torch.full((len(logits),), 1.0 - 2.0**-24)
        drawn, _ = draw_tokens(logits, highest, 1.0, 0.8)
        assert (nucleus(logits, 1.0, 0.8).gather(1, drawn[:, None]) > 0).all()

    @pytest.mark.parametrize("scale", [0.0, 0.5, 8.0])
    def test_sorting_less_draws_the_same(self, scale: float):
        logits = scale * torch.randn(64, 5000, generator=torch.Generator().manual_seed(1))
        uniforms = torch.rand(64, generator=torch.Generator().manual_seed(2))
        probabilities, token_ids = own_nucleus(logits, 0.8, 0.95)
        cumulative = probabilities.cumsum(-1)
        place = (cumulative <= uniforms[:, None] * cumulative[:, -1:]).sum(-1, keepdim=True)
        drawn, gains = draw_tokens(logits, uniforms, 0.8, 0.95)
        expected = token_ids.gather(1, place)
        chances = logits.log_softmax(-1)
        # Where two tokens are as likely, or a sum rounds, a neighbour may be drawn.
        found = chances.gather(1, drawn[:, None])
        torch.testing.assert_close(found, chances.gather(1, expected), atol=2e-3, rtol=0)
        torch.testing.assert_close(gains, found[:, 0])

    def test_a_temperature_of_0_takes_the_likeliest(self):
        logits = random_logits(0.3)
        drawn, _ = draw_tokens(logits, torch.rand(len(logits)), 0.0, 0.5)
        assert torch.equal(drawn, logits.argmax(-1))


class TestDrawUniforms:
    def test_follow_from_seed_text_and_number_alone(self):
        first, second = (draw_uniforms("a", 0, Sampling(seed=1)) for _ in range(2))
        assert first == second
        others = [
            draw_uniforms("b", 0, Sampling(seed=1)),
            draw_uniforms("a", 1, Sampling(seed=1)),
            draw_uniforms("a", 0, Sampling(seed=2)),
        ]
        assert first not in others

    def test_a_longer_row_begins_alike(self):
        short, long = (draw_uniforms("a", 0, Sampling(max_new_tokens=n)) for n in (16, 64))
        assert long[:16] == short
