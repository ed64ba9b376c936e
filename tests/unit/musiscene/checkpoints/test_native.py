from pathlib import Path

import msgspec
import pytest

from musiscene.checkpoints.native import (
    SETTINGS_NAME,
    CheckpointSettings,
    LicencedPart,
    read_settings,
    write_settings,
)
from musiscene.errors import ModelIntegrityError, ModelUnavailableError

SETTINGS = CheckpointSettings(
    encoder="mert",
    encoder_layers=25,
    encoder_width=1024,
    adapter_layers=20,
    bridge_width=16384,
    merged=False,
    parts=(
        LicencedPart(name="mu-llama", licence="not stated", commercial_use="unknown", source="x"),
    ),
)


class TestSettings:
    def test_are_read_as_they_were_written(self, tmp_path: Path):
        write_settings(tmp_path, SETTINGS)
        assert read_settings(tmp_path) == SETTINGS

    def test_ask_without_the_stray_text_unless_told(self):
        assert SETTINGS.prompt == "clean"

    def test_a_folder_without_them_is_no_checkpoint(self, tmp_path: Path):
        with pytest.raises(ModelUnavailableError, match=r"no checkpoint.*import-mu-llama"):
            read_settings(tmp_path)

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"format_version": 2}, "is of format 2, this MusiScene reads 1"),
            ({"encoder_layers": 0}, r"is damaged: .*encoder_layers"),
            ({"encoder": "clap"}, r"is damaged: .*encoder"),
            ({"colour": "red"}, r"is damaged: .*colour"),
        ],
    )
    def test_refuse_what_is_not_known(self, tmp_path: Path, change: dict[str, object], reason: str):
        content = msgspec.to_builtins(SETTINGS) | change
        (tmp_path / SETTINGS_NAME).write_bytes(msgspec.json.encode(content))
        with pytest.raises(ModelIntegrityError, match=reason):
            read_settings(tmp_path)

    def test_refuse_a_torn_file(self, tmp_path: Path):
        write_settings(tmp_path, SETTINGS)
        path = tmp_path / SETTINGS_NAME
        path.write_bytes(path.read_bytes()[:-9])
        with pytest.raises(ModelIntegrityError, match=r"musiscene\.json: is damaged"):
            read_settings(tmp_path)
