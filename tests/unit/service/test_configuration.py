from __future__ import annotations

from pathlib import Path

import pytest

from service.configuration import SettingsError, load_settings, shown_settings
from service.settings import ServiceSettings

HOME = Path("/library")


def write(folder: Path, text: str, name: str = "musiscene.toml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


class TestOrder:
    def test_without_anything_the_defaults_hold(self):
        assert load_settings(data_dir=HOME, environment={}) == ServiceSettings(data_dir=HOME)

    def test_file_then_environment_then_options(self, tmp_path: Path):
        write(tmp_path, 'port = 1\nworkers = 2\nhost = "localhost"\n[limits]\nbody_bytes = 2048\n')
        settings = load_settings(
            data_dir=tmp_path,
            environment={"MUSISCENE_PORT": "3", "MUSISCENE_WORKERS": "4"},
            options={"workers": 5, "host": None, "limits.header_bytes": 5000},
        )
        assert (settings.host, settings.port, settings.workers) == ("localhost", 3, 5)
        assert (settings.limits.body_bytes, settings.limits.header_bytes) == (2048, 5000)

    def test_the_file_that_is_named_replaces_the_librarys(self, tmp_path: Path):
        write(tmp_path, "port = 1")
        by_variable = write(tmp_path, "port = 2", "two.toml")
        by_option = write(tmp_path, "port = 3", "three.toml")
        environment = {"MUSISCENE_CONFIG": str(by_variable)}
        assert load_settings(data_dir=tmp_path, environment={}).port == 1
        assert load_settings(data_dir=tmp_path, environment=environment).port == 2
        settings = load_settings(data_dir=tmp_path, environment=environment, config=by_option)
        assert settings.port == 3

    def test_text_of_the_environment_becomes_what_it_should_be(self, tmp_path: Path):
        secret = write(tmp_path, "postgresql://a:b@c/d\n", "url")
        settings = load_settings(
            data_dir=HOME,
            environment={
                "MUSISCENE_DATA_DIR": "/elsewhere",
                "MUSISCENE_DATABASE_URL_FILE": str(secret),
                "MUSISCENE_SECURITY_ALLOWED_ORIGINS": "https://a.org, https://b.org",
                "MUSISCENE_SECURITY_AUDIO_ROOTS": "/music",
                "MUSISCENE_SECURITY_LOOPBACK_WITHOUT_KEY": "true",
                "MUSISCENE_LIMITS_REQUEST_SECONDS": "2.5",
                "MUSISCENE_FUSER_KEY": "of another command",
                "PATH": "/bin",
            },
        )
        assert settings.data_dir == HOME
        assert settings.database == "postgresql://a:b@c/d"
        assert settings.security.allowed_origins == ("https://a.org", "https://b.org")
        assert settings.security.audio_roots == (Path("/music"),)
        assert settings.security.loopback_without_key is True
        assert settings.limits.request_seconds == 2.5

    def test_paths_in_a_file_are_below_its_folder(self, tmp_path: Path):
        write(tmp_path, '[security]\naudio_roots = ["music", "/other"]\n')
        roots = load_settings(data_dir=tmp_path, environment={}).security.audio_roots
        assert roots == (tmp_path / "music", Path("/other"))


class TestRefusals:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("prot = 1", "prot is no setting"),
            ("[limits]\nbody_byte = 1", "limits.body_byte is no setting"),
            ("[limit]\nbody_bytes = 1", "limit is no setting"),
            ("limits = 3", "limits is no setting"),
            ("port = 70000", "port: Expected `int` <= 65535"),
            ('port = "80"', "port: Expected `int`, got `str`"),
            ('[logs]\nformat = "xml"', "logs.format: Invalid enum value"),
            ("port = ", "is no TOML"),
            ('data_dir = "/x"', "data_dir is set by --data-dir"),
            ("[security]\naudio_roots = [1]", "security.audio_roots: is not a path"),
        ],
    )
    def test_a_file_by_name_and_field(self, tmp_path: Path, text: str, said: str):
        file = write(tmp_path, text)
        with pytest.raises(SettingsError) as raised:
            load_settings(data_dir=tmp_path, environment={})
        assert str(raised.value).startswith(f"{file}: ")
        assert said in str(raised.value)

    @pytest.mark.parametrize(
        ("variable", "value"),
        [
            ("MUSISCENE_PROT", "1"),
            ("MUSISCENE_PORT", "many"),
            ("MUSISCENE_LIMITS_BODY_BYTES", "-1"),
            ("MUSISCENE_DATABASE_URL_FILE", "/no/such/file"),
        ],
    )
    def test_a_variable_by_name(self, variable: str, value: str):
        with pytest.raises(SettingsError, match=f"environment: {variable}"):
            load_settings(data_dir=HOME, environment={variable: value})

    def test_a_file_that_is_named_must_be_there(self, tmp_path: Path):
        with pytest.raises(SettingsError, match="cannot be read"):
            load_settings(data_dir=HOME, environment={}, config=tmp_path / "none.toml")


class TestShown:
    def test_no_password_is_shown(self):
        settings = ServiceSettings(data_dir=HOME, database="postgresql://ann:hunter2@db:5/music")
        shown = shown_settings(settings)
        assert shown["database"] == "db:5/music"
        assert "hunter2" not in str(shown)
        assert shown["limits.body_bytes"] == 262_144
