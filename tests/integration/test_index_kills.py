"""A few of the kills that `tools/kill_index.py` makes by the hundred."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.kill_index import kill_scans

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration


def test_a_scan_that_is_killed_loses_nothing_and_is_finished_by_the_next(tmp_path: Path):
    tally = kill_scans(10, seed=0, folder=tmp_path)
    assert (tally.lost, tally.wrong) == (0, [])
