"""What the image, the composition and the unit name is there, and is spelt right."""

from __future__ import annotations

import importlib
import re
import shlex
import shutil
import subprocess
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from service.configuration import FROM_FILE, NOT_OURS, setting_types, variable_of

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
VARIABLES = {variable_of(name) for name in setting_types()} | NOT_OURS


def compose() -> dict[str, Any]:
    document: dict[str, Any] = importlib.import_module("yaml").safe_load(
        (ROOT / "compose.yaml").read_text()
    )
    return document


def instructions() -> list[list[str]]:
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [shlex.split(line) for line in lines]


class TestImage:
    def test_what_it_copies_is_there_and_not_ignored(self):
        kept = [
            line.removeprefix("!")
            for line in (ROOT / ".dockerignore").read_text().splitlines()
            if line.startswith("!")
        ]
        sources = [
            source
            for name, *rest in instructions()
            if name == "COPY" and not rest[0].startswith("--from")
            for source in rest[:-1]
        ]
        assert len(sources) >= 8
        for source in sources:
            assert (ROOT / source).exists(), source
            assert any(fnmatch(source, pattern) for pattern in kept), source

    def test_it_holds_every_package(self):
        copied = {part for name, *rest in instructions() if name == "COPY" for part in rest}
        assert {"musiscene", "indexer", "service", "migrations"} <= copied

    def test_it_ends_as_another_user_than_root(self):
        users = [rest[0] for name, *rest in instructions() if name == "USER"]
        assert users[-1:] == ["musiscene"]

    def test_extras_and_variables_have_the_right_names(self):
        text = (ROOT / "Dockerfile").read_text()
        extras = re.search(r"'\.\[([a-z,]+)\]'", text)
        assert extras is not None
        project = (ROOT / "pyproject.toml").read_text()
        for extra in extras[1].split(","):
            assert re.search(rf"^{extra} = \[", project, re.MULTILINE), extra
        assert set(re.findall(r"MUSISCENE_[A-Z_]+", text)) <= VARIABLES


class TestComposition:
    def test_every_variable_is_a_setting(self):
        for name, service in compose()["services"].items():
            for variable in service.get("environment", {}):
                if variable.startswith("MUSISCENE_"):
                    assert {variable, variable.removesuffix(FROM_FILE)} & VARIABLES, (
                        name,
                        variable,
                    )

    def test_secrets_volumes_and_networks_are_declared(self):
        document = compose()
        for service in document["services"].values():
            assert set(service.get("secrets", [])) <= set(document["secrets"])
            assert set(service["networks"]) <= set(document["networks"])
            named = {volume.split(":")[0] for volume in service.get("volumes", [])}
            assert {one for one in named if not one.startswith("$")} <= set(document["volumes"])

    def test_no_password_stands_in_it(self):
        for service in compose()["services"].values():
            for variable, value in service.get("environment", {}).items():
                if re.search("PASSWORD|_URL", variable):
                    assert variable.endswith("_FILE"), variable
                    assert value.startswith("/run/secrets/")

    def test_only_this_machine_reaches_it_and_the_databases_reach_nothing(self):
        document = compose()
        ports = [
            one for service in document["services"].values() for one in service.get("ports", [])
        ]
        assert ports
        assert all(port.startswith("127.0.0.1:") for port in ports)
        for name in ("postgres", "redis"):
            assert document["services"][name]["networks"] == ["inside"]
        assert document["networks"]["inside"]["internal"] is True

    def test_commands_are_commands(self):
        from service.cli import commands

        for name in ("service", "worker"):
            command, *options = compose()["services"][name]["command"]
            known = {option for one in commands.commands[command].params for option in one.opts}
            assert set(options) <= known


class TestUnit:
    def test_systemd_accepts_it(self, tmp_path: Path):
        program = shutil.which("systemd-analyze")
        if program is None:
            pytest.skip("systemd-analyze is not on this machine")
        text = (ROOT / "deploy" / "musiscene.service").read_text()
        unit = tmp_path / "musiscene.service"
        unit.write_text(text.replace("/opt/musiscene/bin/musiscene", shutil.which("true") or ""))
        done = subprocess.run(  # noqa: S603  found above
            [program, "verify", str(unit)], capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr
        assert "musiscene.service" not in done.stderr

    def test_its_variables_are_settings(self):
        text = (ROOT / "deploy" / "musiscene.service").read_text()
        named = set(re.findall(r"MUSISCENE_[A-Z_]+", text))
        assert named
        assert named <= VARIABLES
