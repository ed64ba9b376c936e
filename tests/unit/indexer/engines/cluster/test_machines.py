from __future__ import annotations

import socket
import sys

import pytest

from indexer.engines.cluster.machines import ray_machines
from indexer.errors import ClusterError, RayMissingError
from service.cli import EXIT_CODE_OF, SOMETHING_MISSING


class TestRayMachines:
    def test_without_ray_it_is_said_how_to_get_it(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setitem(sys.modules, "ray", None)
        with (
            pytest.raises(RayMissingError, match=r"pip install .musiscene\[ray\]."),
            ray_machines(),
        ):
            pass

    @pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:"])
    def test_an_address_must_be_one(self, address: str):
        pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[dev]'")
        with pytest.raises(ClusterError, match="is not HOST:PORT"), ray_machines(address):
            pass

    def test_where_nobody_answers_it_is_said_how_to_start_one(self):
        pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[dev]'")
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        with (
            pytest.raises(ClusterError, match="ray start --head"),
            ray_machines(f"127.0.0.1:{port}"),
        ):
            pass

    def test_the_command_ends_with_something_missing(self):
        assert EXIT_CODE_OF[ClusterError] == SOMETHING_MISSING
        assert issubclass(RayMissingError, ClusterError)
