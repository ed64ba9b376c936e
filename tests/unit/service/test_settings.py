from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from service.configuration import setting_types, variable_of
from service.settings import ServiceSettings, is_loopback

DOCS = Path(__file__).parents[3] / "docs" / "settings.md"


class TestLoopback:
    @pytest.mark.parametrize(
        "host", ["127.0.0.1", "127.8.0.1", "::1", "[::1]", "localhost", "::ffff:127.0.0.1"]
    )
    def test_names_of_this_machine(self, host: str):
        assert is_loopback(host)

    @pytest.mark.parametrize(
        "host",
        [
            "0.0.0.0",  # noqa: S104
            "::",
            "192.168.1.5",
            "example.org",
            "",
            "localhost.example.org",
            "::ffff:10.0.0.1",
        ],
    )
    def test_names_of_others(self, host: str):
        assert not is_loopback(host)


class TestServiceSettings:
    def test_a_typo_is_refused(self):
        with pytest.raises(msgspec.ValidationError, match="hots"):
            msgspec.convert({"data_dir": Path("x"), "hots": "127.0.0.1"}, ServiceSettings)

    def test_every_setting_is_documented_with_its_variable(self):
        text = DOCS.read_text()
        for name in setting_types():
            row = next((line for line in text.splitlines() if f"`{'.'.join(name)}`" in line), "")
            assert f"`{variable_of(name)}`" in row, f"{'.'.join(name)} is not in docs/settings.md"
