"""What the process that answers requests is made of."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("torch", "transformers", "scipy", "librosa", "ray", "sentence_transformers", "onnx")
"""Each takes a second or more to import; workers and indexers need them, answers do not."""


class TestCreateApp:
    def test_the_server_loads_nothing_that_only_workers_need(self):
        program = (
            "import sys, service.app, service.server, service.cli\n"
            f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
        )
        done = subprocess.run(  # noqa: S603  Python itself
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120
        )
        assert done.stdout.strip() == ""
