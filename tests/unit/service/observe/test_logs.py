"""Log lines, for people and machines."""

from __future__ import annotations

import json
import logging
import re
import sys
from typing import TYPE_CHECKING, Any

import pytest

from service.observe.logs import (
    LOGGERS,
    ConsoleFormatter,
    JsonFormatter,
    configure_logs,
    without_secrets,
)
from service.request_ids import CURRENT
from service.settings import LogSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "mus_0123456789ab_" + "cd" * 32


def record(message: str = "answered", *arguments: object, **more: Any) -> logging.LogRecord:  # noqa: ANN401
    made = logging.LogRecord("service.made", logging.WARNING, "f.py", 1, message, arguments, None)
    for name, value in more.items():
        setattr(made, name, value)
    return made


def failed() -> logging.LogRecord:
    made = record("it failed")
    try:
        int(f"with {KEY}")
    except ValueError:
        made.exc_info = sys.exc_info()
    return made


class TestConsoleFormatter:
    def test_a_line_has_time_level_message_and_fields(self):
        line = ConsoleFormatter().format(record("took %d", 7, fields={"route": "/v1", "ms": 1.5}))
        assert re.fullmatch(r"\d\d:\d\d:\d\d warning took 7 route=/v1 ms=1.5", line)

    def test_an_error_comes_with_its_trace(self):
        said = ConsoleFormatter().format(failed())
        assert "Traceback" in said
        assert "cdcd" not in said


class TestJsonFormatter:
    def test_a_document_has_what_machines_look_for(self):
        document = json.loads(JsonFormatter().format(record(fields={"status": 200})))
        assert document["level"] == "warning"
        assert document["logger"] == "service.made"
        assert document["status"] == 200
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", document["time"])

    def test_it_is_one_line_whatever_was_said(self):
        for made in (record("two\nlines \x00 \N{PARTY POPPER}"), failed()):
            text = JsonFormatter().format(made)
            assert "\n" not in text
            assert json.loads(text)["message"] in {"it failed", "two\nlines \x00 \N{PARTY POPPER}"}

    def test_values_that_json_has_not_are_written_as_text(self):
        text = JsonFormatter().format(record(fields={"path": ValueError("odd")}))
        assert json.loads(text)["path"] == "odd"

    def test_the_request_is_named(self):
        token = CURRENT.set("0190aab2")
        try:
            assert json.loads(JsonFormatter().format(record()))["request_id"] == "0190aab2"
        finally:
            CURRENT.reset(token)
        assert "request_id" not in json.loads(JsonFormatter().format(record()))


class TestWithoutSecrets:
    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            pytest.param(f"key {KEY}.", "key mus_0123456789ab", id="key"),
            pytest.param("postgresql://me:pass@host/name", "postgresql://me:***@host", id="url"),
            pytest.param("http://host:80/a@b", "http://host:80/a@b", id="nothing secret"),
        ],
    )
    def test_secrets_are_left_out_and_the_rest_is_kept(self, text: str, shown: str):
        found = without_secrets(text)
        assert shown in found
        assert "cdcd" not in found
        assert ":pass@" not in found


@pytest.fixture
def _loggers_as_before() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [(one.handlers, one.propagate, one.level) for one in loggers]
    yield
    for one, (handlers, propagate, level) in zip(loggers, before, strict=True):
        one.handlers, one.propagate = handlers, propagate
        one.setLevel(level)


@pytest.mark.usefixtures("_loggers_as_before")
class TestConfigureLogs:
    def test_our_loggers_alone_are_set(self, capsys: pytest.CaptureFixture[str]):
        root = list(logging.getLogger().handlers)
        configure_logs(LogSettings(format="json", level="warning"))
        logging.getLogger("service.made").warning("heard")
        logging.getLogger("service.made").info("not heard")
        lines = capsys.readouterr().err.splitlines()
        assert [json.loads(line)["message"] for line in lines] == ["heard"]
        assert logging.getLogger().handlers == root
