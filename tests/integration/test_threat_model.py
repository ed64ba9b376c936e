"""The threat model names tests; each of them exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
NAMED = re.findall(
    r"`([a-z_/]+\.py)::(\w+)::(\w+)`", (ROOT / "docs" / "threat-model.md").read_text("utf-8")
)


def test_it_names_tests():
    assert len(NAMED) > 25


@pytest.mark.parametrize(("file", "kind", "name"), NAMED)
def test_every_test_that_it_names_exists(file: str, kind: str, name: str):
    tree = ast.parse((ROOT / "tests" / file).read_text("utf-8"))
    classes = {one.name: one for one in tree.body if isinstance(one, ast.ClassDef)}
    assert kind in classes, sorted(classes)
    assert name in {one.name for one in classes[kind].body if isinstance(one, ast.FunctionDef)}, (
        kind
    )
