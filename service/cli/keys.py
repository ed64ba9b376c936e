"""`musiscene keys create|list|revoke`: who may use the service."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import click

from musiscene.console import Console, shared_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from indexer.catalogue.keys import KeyRecord
    from indexer.catalogue.repository import Catalogue

SCOPES: Final = ("read", "write", "admin")
EXPIRY: Final = re.compile(r"(\d{1,5})([hdwy])")
HOURS: Final = {"h": 1, "d": 24, "w": 24 * 7, "y": 24 * 365}
LONGEST_NAME: Final = 200


class Expiry(click.ParamType[datetime]):
    """A time from now, such as `90d`, or a date."""

    name = "time"

    def convert(
        self,
        value: Any,  # noqa: ANN401  what click hands over
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> datetime:
        """The moment."""
        if isinstance(value, datetime):
            return value
        try:
            if parts := EXPIRY.fullmatch(value):
                return datetime.now(UTC) + timedelta(hours=int(parts[1]) * HOURS[parts[2]])
            moment = datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(f"{value!r}: write 12h, 90d, 2w, 1y or a date such as 2027-01-31", param, ctx)
        if moment <= datetime.now(UTC):
            self.fail(f"{value!r} is in the past", param, ctx)
        return moment


@click.group()
def keys() -> None:
    """Make, list and revoke keys to the service.

    As long as there is no key, the service answers this machine alone. From the first one on,
    everybody needs a key, on this machine too.
    """


@keys.command(epilog="Example: musiscene keys create 'the cutting room' --scope write")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    default=("read",),
    show_default=True,
    help="`write` includes `read`, and `admin` (scans) both.",
)
@click.option("--expires", type=Expiry(), help="12h, 90d, 2w, 1y, or a date. [default: never]")
@shared_options
def create(console: Console, name: str, scopes: tuple[Any, ...], expires: datetime | None) -> None:
    """Make a key and show it, once: only its digest is kept."""
    from service.security.keys import make_key

    if not name.strip() or len(name) > LONGEST_NAME:
        raise click.BadParameter(f"1 to {LONGEST_NAME} characters", param_hint="NAME")
    key = make_key()
    with _catalogue(console, create=True) as catalogue:
        record = catalogue.keys.add(
            key.id, key.digest, name=name.strip(), scopes=scopes, expires_at=expires
        )
    console.emit(_document(record) | {"key": key.text})
    console.say(key.text)
    console.note("Keep it well: it is not shown again. Send it as: Authorization: Bearer KEY")


@keys.command("list", epilog="Example: musiscene keys list")
@shared_options
def list_command(console: Console) -> None:
    """List all keys that were ever made, without their secrets."""
    with _catalogue(console) as catalogue:
        records = [stored.record for stored in catalogue.keys.all()]
    console.emit([_document(record) for record in records])
    console.table(
        ("id", "name", "scopes", "made", "last used", "state"),
        [
            (
                record.id,
                record.name,
                ", ".join(record.scopes),
                f"{record.created_at:%Y-%m-%d}",
                f"{record.last_used_at:%Y-%m-%d %H:%M}" if record.last_used_at else "never",
                _state(record),
            )
            for record in records
        ],
    )


@keys.command(epilog="Example: musiscene keys revoke 4f0c11a9be27")
@click.argument("key_id", metavar="ID")
@shared_options
def revoke(console: Console, key_id: str) -> None:
    """Make a key open nothing any more, within two seconds.

    Revoking the last key does not open the service again: it stays locked until another is made.
    """
    with _catalogue(console) as catalogue:
        record = catalogue.keys.revoke(key_id)
    console.emit(_document(record))
    console.say(f"{record.id} ({record.name}) opens nothing any more")


@contextmanager
def _catalogue(console: Console, *, create: bool = False) -> Iterator[Catalogue]:
    from indexer.catalogue.database import catalogue_in
    from indexer.catalogue.repository import Catalogue
    from service.configuration import load_settings

    settings = load_settings(
        data_dir=console.data_dir,
        environment=os.environ,
        options={"database": console.database},
    )
    if create:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    location = catalogue_in(settings.data_dir, database=settings.database, create=create)
    with Catalogue.open(location) as catalogue:
        yield catalogue


def _document(record: KeyRecord) -> dict[str, Any]:
    import msgspec

    return msgspec.structs.asdict(record) | {"state": _state(record)}


def _state(record: KeyRecord) -> str:
    if record.revoked_at is not None:
        return "revoked"
    return "valid" if record.is_valid(datetime.now(UTC)) else "expired"
