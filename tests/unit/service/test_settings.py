from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from service.settings import ServiceSettings, is_loopback


class TestServiceSettings:
    @pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "[::1]", "localhost"])
    def test_loopback_is_allowed(self, host: str):
        assert ServiceSettings(data_dir=Path("x"), host=host).host == host

    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", ""])  # noqa: S104
    def test_anything_else_is_refused(self, host: str):
        assert not is_loopback(host)
        with pytest.raises(ValueError, match="loopback only"):
            ServiceSettings(data_dir=Path("x"), host=host)

    def test_a_typo_is_refused(self):
        with pytest.raises(msgspec.ValidationError, match="hots"):
            msgspec.convert({"data_dir": Path("x"), "hots": "127.0.0.1"}, ServiceSettings)
