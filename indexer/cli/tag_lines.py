"""How `musiscene tag` shows what it did, to people and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

    from indexer.tagging.tagger import TaggedFile
    from musiscene.console import Console

VALUE_WIDTH: Final = 76
NAME_WIDTH: Final = 24
MARKS: Final = "MUSISCENE_WROTE"
PREFIXES: Final = ("TXXX:", "----:com.apple.iTunes:")


class Tally(msgspec.Struct, kw_only=True):
    """How many files came out which way."""

    changed: int = 0
    same: int = 0
    failed: int = 0

    def add(self, done: TaggedFile) -> None:
        """Count one file that did not fail."""
        self.changed += bool(done.changes)
        self.same += not done.changes


def say_file(console: Console, done: TaggedFile) -> None:
    """Show one file: each field with what was and what is to be."""
    console.emit(done)
    if console.as_json or not (done.changes or done.kept or done.note):
        return
    said = f"{shown(done.path)}  ({done.format})" if done.format else shown(done.path)
    console.say(said + (f": {done.note}" if done.note else ""))
    for change in done.changes:
        name = _short(change.name)
        if name == MARKS and not console.verbose:
            continue
        if not change.old:
            console.say(f"  + {name:<{NAME_WIDTH}} {_values(change.new)}")
        elif not change.new:
            console.say(f"  - {name:<{NAME_WIDTH}} {_values(change.old)}")
        else:
            console.say(f"  ~ {name:<{NAME_WIDTH}} {_values(change.old)} -> {_values(change.new)}")
    for kept in done.kept:
        console.say(
            f"  = {_short(kept.name):<{NAME_WIDTH}} {_values(kept.value)} is kept "
            f"(heard: {_values(kept.ours)}; --overwrite)"
        )


def say_summary(
    console: Console, tally: Tally, *, run_id: str | None, undone: str | None = None
) -> None:
    """Say in one sentence what was done."""
    failed = f", {tally.failed} failed" if tally.failed else ""
    if undone is not None:
        console.say(f"{tally.changed} files given back, {tally.same} were as before{failed}")
    elif run_id is None:
        console.say(
            f"{tally.changed} files would change, {tally.same} are as they should be{failed}"
            + ("; to do it: --write" if tally.changed else "")
        )
    else:
        console.say(
            f"{tally.changed} files written, {tally.same} were as they should be{failed}"
            + (f"; to take it back: musiscene tag --undo {run_id}" if tally.changed else "")
        )


def say_runs(console: Console, folder: Path) -> None:
    """List the runs, the newest last."""
    from indexer.tagging.journal import list_runs

    runs = list_runs(folder)
    for run in runs:
        console.emit(run)
    if not runs:
        console.say("Nothing was written yet.")
        return
    rows = []
    for run in runs:
        state = "finished" if run.is_finished else "stopped halfway"
        if run.undone_by is not None:
            state = f"taken back by {run.undone_by}"
        what = "write" if run.undoes is None else f"undo of {run.undoes}"
        rows.append((run.id, f"{run.started_at:%Y-%m-%d %H:%M} UTC", what, str(run.files), state))
    console.table(["run", "when", "what", "files", "state"], rows)


def shown(text: str) -> str:
    """A text from a file as a terminal may have it: nothing in it moves the cursor."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _short(name: str) -> str:
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return shown(name)


def _values(values: tuple[str, ...]) -> str:
    text = shown(" | ".join(values))
    return text if len(text) <= VALUE_WIDTH else text[: VALUE_WIDTH - 3] + "..."
