import time
from pathlib import Path

from musiscene.checkpoints.progress import watching


class TestWatching:
    def test_reports_begin_growth_and_end(self, tmp_path: Path):
        seen: list[int] = []
        with watching(
            tmp_path / "later", "download", 100, lambda _step, done, _total: seen.append(done)
        ):
            (tmp_path / "later").mkdir()
            (tmp_path / "later" / "part").write_bytes(b"x" * 40)
            deadline = time.monotonic() + 5
            while not any(0 < done < 100 for done in seen) and time.monotonic() < deadline:
                time.sleep(0.02)
        assert seen[0] == 0
        assert seen[-1] == 100
        assert any(40 <= done < 100 for done in seen)

    def test_never_says_more_than_the_total(self, tmp_path: Path):
        (tmp_path / "part").write_bytes(b"x" * 500)
        seen: list[int] = []
        with watching(tmp_path, "download", 100, lambda _step, done, _total: seen.append(done)):
            time.sleep(0.3)
        assert max(seen) == 100
