from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.tagging import patches
from indexer.tagging.patches import apply_patch, make_patch

SOUND = np.random.default_rng(0).integers(0, 256, 400_000, dtype=np.uint8).tobytes()


def give_back(folder: Path, former: bytes, changed: bytes) -> tuple[bytes, int]:
    old, new = folder / "old", folder / "new"
    old.write_bytes(former)
    new.write_bytes(changed)
    patch = make_patch(old, new)
    assert patch is not None
    return b"".join(apply_patch(patch, new)), len(patch)


class TestPatches:
    @pytest.mark.parametrize(
        ("former", "changed"),
        [
            pytest.param(b"ID3 short" + SOUND, b"ID3 much longer tag" * 9 + SOUND, id="at front"),
            pytest.param(b"RIFF1" + SOUND, b"RIFF2" + SOUND + b"id3 tag" * 30, id="at end"),
            pytest.param(b"x" * 5000 + SOUND, SOUND, id="taken away"),
            pytest.param(SOUND, SOUND, id="the same"),
            pytest.param(
                b"tags" + SOUND[:90_000] + b"\0" * 900 + SOUND[90_000:],
                b"other tags " * 20 + SOUND[:90_000] + b"\0" * 200 + SOUND[90_000:],
                id="a picture moves by another distance than the sound",
            ),
            pytest.param(
                b"head" + b"".join(b"OggS%08d" % n + SOUND[:4000] for n in range(50)),
                b"longer head" + b"".join(b"OggS%08d" % (n + 1) + SOUND[:4000] for n in range(50)),
                id="pages numbered anew",
            ),
        ],
    )
    def test_gives_the_former_file_and_is_small(
        self, tmp_path: Path, former: bytes, changed: bytes
    ):
        restored, size = give_back(tmp_path, former, changed)
        assert restored == former
        assert size < 2000

    @given(st.binary(max_size=300), st.binary(max_size=300), st.binary(max_size=200))
    @settings(max_examples=60, deadline=None)
    def test_gives_any_former_file(self, one: bytes, two: bytes, same: bytes):
        with TemporaryDirectory() as folder:
            for former, changed in ((one + same, two + same), (same + one, same * 2 + two)):
                assert give_back(Path(folder), former, changed)[0] == former

    def test_what_has_nothing_in_common_is_not_kept(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(patches, "MAX_LITERAL_BYTES", 1000)
        (tmp_path / "old").write_bytes(SOUND)
        (tmp_path / "new").write_bytes(SOUND[::-1])
        assert make_patch(tmp_path / "old", tmp_path / "new") is None

    @pytest.mark.parametrize("patch", [b"", b"x", b"x\x9c"])
    def test_a_damaged_patch_is_said(self, tmp_path: Path, patch: bytes):
        (tmp_path / "new").write_bytes(SOUND)
        with pytest.raises(ValueError, match="damaged"):
            list(apply_patch(patch, tmp_path / "new"))
