"""Fails when a module of the product is over the house limit of lines."""

from __future__ import annotations

import sys
from pathlib import Path

LIMIT = 400
GENERATED = {"musiscene/client/schemas.py"}
PACKAGES = ("musiscene", "indexer", "service", "migrations", "tools", "tests")


def main() -> int:
    """Print every module that is too long; the exit status is their presence."""
    root = Path(__file__).parent.parent
    too_long = [
        (path.relative_to(root), lines)
        for package in PACKAGES
        for path in sorted((root / package).rglob("*.py"))
        if str(path.relative_to(root)) not in GENERATED
        and (lines := len(path.read_text(encoding="utf-8").splitlines())) > LIMIT
    ]
    for path, lines in too_long:
        print(f"{path}: {lines} lines, the limit is {LIMIT}: split it by idea")
    return bool(too_long)


if __name__ == "__main__":
    sys.exit(main())
