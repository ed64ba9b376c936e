"""What the comparisons with MU-LLaMA share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from tests.support.mu_llama import FIXTURE
from tools.check_mu_llama import read_fixture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.check_mu_llama import Fixture


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """On matrices this small, threads only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def golden() -> Fixture:
    return read_fixture(FIXTURE)
