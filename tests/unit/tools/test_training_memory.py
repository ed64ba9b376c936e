from pathlib import Path

import pytest

from tools.training_memory import Counts, Training, count_weights, memory_gib, table

ROOT = Path(__file__).parents[3]
GIB = 1 << 30


@pytest.fixture(scope="module")
def counts() -> Counts:
    return count_weights()


def test_the_table_in_the_documentation_is_the_one_that_is_counted():
    assert table() in (ROOT / "docs" / "training.md").read_text()


def test_trained_weights_are_counted_with_gradient_and_moments(counts: Counts):
    few = Training("a", "bfloat16", 0, tokens=1)
    many = Training("a", "bfloat16", GIB // 20, tokens=1)
    assert memory_gib(many, counts) - memory_gib(few, counts) == pytest.approx(1.0, abs=1e-6)


def test_four_bits_take_about_a_quarter_of_sixteen(counts: Counts):
    assert counts.matrices == pytest.approx(6.48e9, rel=1e-2)
    full, packed = (
        memory_gib(Training("a", kept, 0, tokens=1), counts) for kept in ("bfloat16", "nf4")
    )
    assert full == pytest.approx(12.6, abs=0.1)
    assert packed == pytest.approx(full / 4 + 1.2, abs=0.3)
