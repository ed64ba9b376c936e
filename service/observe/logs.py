"""Log lines for people, or a JSON object each; keys never stand in them.

Captions of briefs are logged at `debug` alone: they tell of films that are not out yet.
"""

from __future__ import annotations

import logging
import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from musiscene.console import LOGGED_PACKAGES
from service.request_ids import CURRENT

if TYPE_CHECKING:
    from service.settings import LogSettings

LOGGERS: Final = (*LOGGED_PACKAGES, "uvicorn.error")
SECRET: Final = re.compile(r"\b(mus_[0-9a-f]{12})_[0-9a-f]+|(?<=://)([^/\s@:]+):[^/\s@]+(?=@)")
"""A key's secret part; and a password in a URL."""
HIDDEN: Final = r"\1\2:***"


class ConsoleFormatter(logging.Formatter):
    """One line for people."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, and below it where an error came from."""
        when = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        fields = " ".join(f"{name}={value}" for name, value in fields_of(record).items())
        said = f"{when} {record.levelname.lower():<7} {record.getMessage()} {fields}".rstrip()
        if record.exc_info:
            said += "\n" + self.formatException(record.exc_info)
        return without_secrets(said)


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The object: time, level, logger, message, and what belongs to them."""
        document: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        document |= fields_of(record)
        if record.exc_info:
            document["error"] = self.formatException(record.exc_info)
        return without_secrets(msgspec.json.encode(document, enc_hook=str).decode())


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """What was logged beside the message, by `extra={"fields": {...}}`, and the request's name."""
    fields = dict(getattr(record, "fields", {}))
    if "request_id" not in fields and (request_id := CURRENT.get()):
        fields["request_id"] = request_id
    return fields


def without_secrets(text: str) -> str:
    """A text without the secret parts of keys, and without passwords in URLs."""
    return SECRET.sub(HIDDEN, text)


def configure_logs(settings: LogSettings) -> None:
    """Send our packages' and the server's logs to stderr, in the form that is wanted.

    Args:
        settings: Form and level.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if settings.format == "json" else ConsoleFormatter())
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(settings.level.upper())
