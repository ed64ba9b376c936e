"""How lively each ensemble of the composer is heard to be, for the table in `ensembles.py`.

    python -m tools.calibrate_composer [--seconds 20] [--json FILE]

Every ensemble plays pieces in major and minor, planned from calm to excited, and a least-squares
fit says what is heard: heard arousal = ensemble + mode + slope * planned. No brief is used.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

import numpy as np

from musiscene.checkpoints.store import ModelStore
from musiscene.generate.composer import plan as planning
from musiscene.generate.composer.ensembles import ENSEMBLES
from musiscene.generate.composer.notes import write_notes
from musiscene.generate.composer.render import SAMPLE_RATE, render
from musiscene.generate.files import encode_audio
from musiscene.generate.reading import MusicWish
from musiscene.model import load_listener

if TYPE_CHECKING:
    from musiscene.generate.composer.ensembles import Ensemble
    from musiscene.listen import Listener

PLANNED: Final = (-0.8, -0.2, 0.4, 0.9)
MODES: Final = ("major", "minor")


def heard_arousal(
    ensemble: Ensemble, mode: str, planned: float, seconds: float, listener: Listener, folder: Path
) -> float:
    """Compose a piece whose arousal is planned as given, and hear it."""
    wish = MusicWish(valence=0.0, arousal=0.0, mode=mode)
    with (
        patch.object(planning, "cast_ensemble", lambda *_: ensemble),
        patch.object(planning, "planned_arousal", lambda *_: planned),
    ):
        plan = planning.make_plan(wish, seconds=seconds, seed=round(1000 * (planned + 2)))
    path = folder / "piece.flac"
    encode_audio(render(plan, write_notes(plan)), path, sample_rate=SAMPLE_RATE, tags={})
    return listener.hear(listener.read(path)).affect.arousal


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=20.0, help="of each piece")
    parser.add_argument("--json", type=Path, help="where every piece is written")
    chosen = parser.parse_args()
    listener = load_listener(ModelStore())
    pieces = list(product(range(len(ENSEMBLES)), MODES, PLANNED))
    began, heard = time.monotonic(), []
    with tempfile.TemporaryDirectory() as folder:
        for number, (ensemble, mode, planned) in enumerate(pieces, 1):
            heard.append(
                heard_arousal(
                    ENSEMBLES[ensemble], mode, planned, chosen.seconds, listener, Path(folder)
                )
            )
            rate = number / (time.monotonic() - began)
            left = (len(pieces) - number) / rate
            print(f"\r{number} of {len(pieces)}, {left:.0f} s left ", end="", file=sys.stderr)
    if chosen.json:
        rows = [(ENSEMBLES[e].name, m, p, h) for (e, m, p), h in zip(pieces, heard, strict=True)]
        chosen.json.write_text(json.dumps(rows))
    design = np.zeros((len(pieces), len(ENSEMBLES) + 2))
    for row, (ensemble, mode, planned) in enumerate(pieces):
        design[row, ensemble] = 1.0
        design[row, -2:] = (mode == "major"), planned
    found, *_ = np.linalg.lstsq(design, np.array(heard), rcond=None)
    rest = np.array(heard) - design @ found
    print(f"\nmajor {found[-2]:+.3f}, slope {found[-1]:.3f}, rest {rest.std():.3f} (deviation)")
    for one, value in zip(ENSEMBLES, found, strict=False):
        print(f"{one.name}: {value:+.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
