"""Whatever happens to a library's files, in any order: no track is lost and none is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.library_machine import machine

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration

EXAMPLES, STEPS = 60, 30


def test_no_order_of_events_loses_a_track_or_leaves_it_wrong(tmp_path: Path):
    run_state_machine_as_test(
        machine(tmp_path),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
