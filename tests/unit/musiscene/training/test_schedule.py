import pytest

from musiscene.training.schedule import learning_rate, peak_learning_rate


def test_warms_up_in_a_line_and_falls_in_half_a_cosine():
    rates = [learning_rate(epoch, peak=2.0, warmup_epochs=2, epochs=6) for epoch in (0, 1, 2, 4, 6)]
    assert rates == pytest.approx([0.0, 1.0, 2.0, 1.0, 0.0])


def test_needs_no_warm_up():
    assert learning_rate(0, peak=2.0, warmup_epochs=0, epochs=1) == 2.0


def test_stays_at_zero_after_its_end():
    assert learning_rate(7, peak=2.0, warmup_epochs=1, epochs=6) == pytest.approx(0.0)


def test_the_peak_grows_with_the_rows_of_an_update():
    assert peak_learning_rate(1e-3, rows_per_update=512) == pytest.approx(2e-3)
