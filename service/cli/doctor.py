"""`musiscene doctor`: what works, what does not, and what to do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from musiscene.console import Console, shared_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.doctor.findings import Finding
    from service.settings import ServiceSettings

FAILED: Final = 3
COLOURS: Final = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command(epilog="Example: musiscene doctor")
@click.option("--config", type=click.Path(dir_okay=False, path_type=Path), help="File of settings.")
@shared_options
def doctor(console: Console, config: Path | None) -> None:
    """Look at this machine, the library and the settings; nothing is changed.

    Ends with exit code 3 if something fails, and says of everything what to do about it.
    """
    from service.configuration import load_settings, shown_settings

    settings = load_settings(
        data_dir=console.data_dir,
        environment=os.environ,
        config=config,
        options={"database": console.database, "models_dir": console.models_dir},
    )
    findings = []
    for finding in examine(settings):
        findings.append(finding)
        mark = click.style(f"{finding.verdict:<4}", fg=COLOURS[finding.verdict])
        console.say(f"{mark}  {finding.what}: {finding.found}")
        if finding.do:
            console.say(f"      -> {finding.do}")
    shown = shown_settings(settings)
    console.say("settings in force (docs/settings.md):")
    for name, value in shown.items():
        console.say(f"      {name} = {value}")
    console.emit({"findings": findings, "settings": shown})
    if any(finding.verdict == "fail" for finding in findings):
        click.get_current_context().exit(FAILED)


def examine(settings: ServiceSettings) -> Iterator[Finding]:
    """All checks.

    Args:
        settings: Of the service.

    Yields:
        One finding after another.
    """
    from musiscene.checkpoints.store import ModelStore
    from service.doctor import library, machine

    yield from machine.versions()
    yield from machine.decoders()
    yield from machine.accelerator()
    store = ModelStore(local_folder=settings.models_dir)
    yield from machine.models(store)
    yield from machine.generators(store, settings.generation.audiocraft_python)
    yield from machine.room(settings.data_dir)
    yield from machine.studies(settings.studies)
    yield from library.database(settings)
