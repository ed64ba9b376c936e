"""Tags the files of a library one by one, and takes back what was written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from indexer.errors import TagError
from indexer.tagging.facts import facts_of
from indexer.tagging.journal import FieldRecord, Rewritten
from indexer.tagging.patches import apply_patch, digest_of_pieces, make_patch
from indexer.tagging.plan import Change, Kept, plan_changes
from indexer.tagging.sheets import open_sheet, tag_errors
from indexer.tagging.staging import Stamp, explained, pieces_of, staged, stamp_of
from indexer.tagging.verify import audio_hash_of, check_copy
from indexer.tagging.wishes import wanted_fields
from musiscene.audio.read import AudioInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from indexer.catalogue.models import Track
    from indexer.catalogue.repository import Catalogue
    from indexer.tagging.journal import Journal
    from indexer.tagging.sheets import TagSheet
    from indexer.tagging.staging import Staged
    from indexer.tagging.wishes import TagWishes


class TaggedFile(msgspec.Struct, frozen=True, kw_only=True):
    """What was, or would be, done to one file."""

    path: str
    """As the catalogue has it."""
    format: str
    """The kind of its tags."""
    changes: tuple[Change, ...] = ()
    kept: tuple[Kept, ...] = ()
    """Standard fields that somebody else filled."""
    written: bool = False
    """False in a dry run, and where nothing had to be changed."""
    note: str | None = None
    """What a person should know besides."""


class _Subject(msgspec.Struct, frozen=True, kw_only=True):
    """The file that is worked on."""

    track_id: UUID
    path: str
    codec: str
    audio_hash: str


class Tagger:
    """Works on the files of one library.

    Args:
        catalogue: Is told the new size and time of every file that was written.
        keep_mtime: Give the files their former time of modification.
    """

    def __init__(self, catalogue: Catalogue, *, keep_mtime: bool = False) -> None:
        self._catalogue = catalogue
        self._keep_mtime = keep_mtime
        self._written: dict[Path, Stamp] = {}

    def preview(self, track: Track, wishes: TagWishes) -> TaggedFile:
        """Say what `write` would do.

        Args:
            track: Whose file.
            wishes: What is wanted.

        Returns:
            The changes.

        Raises:
            TagError: If the file cannot be tagged.
        """
        path = Path(track.path)
        with explained(path):
            self._check_indexed(track, stamp_of(path))
            sheet = open_sheet(path, codec=track.codec)
        plan = plan_changes(
            sheet, wanted_fields(facts_of(track), wishes), overwrite=wishes.overwrite
        )
        return TaggedFile(path=track.path, format=plan.format, changes=plan.changes, kept=plan.kept)

    def write(self, track: Track, wishes: TagWishes, journal: Journal) -> TaggedFile:
        """Write what is known of a track into its file.

        Args:
            track: Whose file.
            wishes: What is wanted.
            journal: Of the run.

        Returns:
            What was done.

        Raises:
            TagError: If the file cannot be tagged; it is as it was then.
            CatalogueError: If the catalogue cannot be told; the file is written then.
        """
        with staged(Path(track.path)) as stage:
            now = Stamp(stage.status.st_size, stage.status.st_mtime_ns)
            if self._written.get(stage.target) == now:
                self._follow(track, now)
                return TaggedFile(
                    path=track.path, format="", note="another name of a file that was done already"
                )
            self._check_indexed(track, now)
            sheet = open_sheet(stage.target, codec=track.codec)
            wanted = wanted_fields(facts_of(track), wishes)
            plan = plan_changes(sheet, wanted, overwrite=wishes.overwrite)
            done = TaggedFile(
                path=track.path, format=plan.format, changes=plan.changes, kept=plan.kept
            )
            if not plan.changes:
                return done

            def edit(sheet: TagSheet) -> None:
                for change in plan.changes:
                    sheet.put(change.name, change.new)

            subject = _Subject(
                track_id=track.id,
                path=track.path,
                codec=track.codec,
                audio_hash=track.audio_hash,
            )
            modified_ns = stage.status.st_mtime_ns if self._keep_mtime else None
            names = [change.name for change in plan.changes]
            stamp = _rewrite(stage, subject, names, edit, journal=journal, modified_ns=modified_ns)
            self._written[stage.target] = stamp
            self._follow(track, stamp)
            return msgspec.structs.replace(done, written=True, note=_note(stage))

    def undo(self, entry: Rewritten, journal: Journal, *, force: bool) -> TaggedFile:
        """Make a file what it was before a run.

        Args:
            entry: What the run's journal has of it.
            journal: Of the run that takes back.
            force: Where somebody else has changed the file since, give back the fields that were
                written, and leave the rest as it is now.

        Returns:
            What was done.

        Raises:
            TagError: If it cannot be given back; the file is as it was then.
            CatalogueError: If the catalogue cannot be told; the file is written then.
        """
        track = self._catalogue.tracks([entry.track_id]).get(entry.track_id)
        path = Path(entry.path)
        if track is not None and not path.exists():
            path = Path(track.path)  # moved, and found there by a scan
        with staged(path) as stage:
            found = digest_of_pieces(pieces_of(stage.target))
            if found == entry.sha256_before:
                return TaggedFile(path=str(path), format=entry.format, note="is as it was")
            if found == entry.sha256_after and entry.patch is not None:
                stamp, changes = _restore(stage, entry, entry.patch, journal)
            elif found == entry.sha256_after or force:
                stamp, changes = _restore_fields(stage, entry, journal)
            else:
                reason = "somebody changed it after it was tagged; --force gives back the fields"
                raise TagError(path, f"{reason} that were written and keeps the rest")
            if track is not None:
                self._follow(track, stamp)
            return TaggedFile(
                path=str(path), format=entry.format, changes=tuple(changes), written=True
            )

    def _check_indexed(self, track: Track, now: Stamp) -> None:
        if now != Stamp(track.size_bytes, track.modified_ns):
            raise TagError(
                track.path, "has changed since it was indexed; run `musiscene index` on it first"
            )

    def _follow(self, track: Track, stamp: Stamp) -> None:
        """Tell the catalogue, so that no scan takes the file for another one."""
        known = {
            name: getattr(track, name)
            for name in AudioInfo.__struct_fields__
            if hasattr(track, name)
        }
        info = AudioInfo(**known | {"container": "", "size_bytes": stamp.size_bytes})
        self._catalogue.follow_file(track.id, info, path=track.path, modified_ns=stamp.modified_ns)


def _rewrite(
    stage: Staged,
    subject: _Subject,
    names: Sequence[str],
    edit: Callable[[TagSheet], None],
    *,
    journal: Journal,
    modified_ns: int | None,
) -> Stamp:
    """Change some fields of a file: on a copy, which is checked before it takes its place."""
    sha256_before = stage.fill(pieces_of(stage.target))
    stage.check_unchanged()
    sheet = open_sheet(stage.copy, codec=subject.codec)
    old = {name: sheet.raw(name) for name in names}
    with tag_errors(stage.target):
        edit(sheet)
        sheet.save(stage.copy)
    check_copy(
        stage.target,
        stage.copy,
        codec=subject.codec,
        known_hash=subject.audio_hash,
        meant=sheet,
        names=set(names),
    )
    entry = Rewritten(
        track_id=subject.track_id,
        path=subject.path,
        codec=subject.codec,
        format=sheet.format,
        size_before=stage.status.st_size,
        modified_before_ns=stage.status.st_mtime_ns,
        sha256_before=sha256_before,
        size_after=stage.copy.stat().st_size,
        sha256_after=digest_of_pieces(pieces_of(stage.copy)),
        fields=tuple(FieldRecord(name=name, old=old[name], new=sheet.raw(name)) for name in names),
        patch=_proven_patch(stage, sha256_before),
    )
    stage.seal(modified_ns=modified_ns)
    journal.note(entry)
    return stage.replace()


def _restore(
    stage: Staged, entry: Rewritten, patch: bytes, journal: Journal
) -> tuple[Stamp, list[Change]]:
    """Give a file back, byte for byte.

    Args:
        stage: The tagged file.
        entry: What the journal has of it.
        patch: Makes the former file of it.
        journal: Of the run that takes back.

    Returns:
        What the file system says of the file now, and what has changed in its tags.

    Raises:
        TagError: If the journal does not give the former file, or something goes wrong.
    """
    try:
        restored = stage.fill(apply_patch(patch, stage.target))
    except ValueError as error:
        raise TagError(stage.target, f"its journal is damaged: {error}") from error
    if restored != entry.sha256_before:
        raise TagError(stage.target, "its journal is damaged: it does not give the former file")
    tagged, former = (open_sheet(path, codec=entry.codec) for path in (stage.target, stage.copy))
    changes = _differences(tagged, former, [field.name for field in entry.fields])
    back = msgspec.structs.replace(
        entry,
        size_before=entry.size_after,
        modified_before_ns=stage.status.st_mtime_ns,
        sha256_before=entry.sha256_after,
        size_after=entry.size_before,
        sha256_after=entry.sha256_before,
        fields=tuple(
            FieldRecord(name=field.name, old=field.new, new=field.old) for field in entry.fields
        ),
        patch=_proven_patch(stage, entry.sha256_after),
    )
    stage.seal(modified_ns=entry.modified_before_ns)
    journal.note(back)
    return stage.replace(), changes


def _restore_fields(
    stage: Staged, entry: Rewritten, journal: Journal
) -> tuple[Stamp, list[Change]]:
    """Give back the fields of a file, exactly, and leave everything else as it is."""
    former = open_sheet(stage.target, codec=entry.codec)
    names = [field.name for field in entry.fields]
    subject = _Subject(
        track_id=entry.track_id,
        path=entry.path,
        codec=entry.codec,
        audio_hash=audio_hash_of(stage.target),
    )

    def edit(sheet: TagSheet) -> None:
        for field in entry.fields:
            sheet.restore(field.name, field.old)

    stamp = _rewrite(stage, subject, names, edit, journal=journal, modified_ns=None)
    return stamp, _differences(former, open_sheet(stage.target, codec=entry.codec), names)


def _differences(before: TagSheet, after: TagSheet, names: Sequence[str]) -> list[Change]:
    pairs = [(name, before.values(name), after.values(name)) for name in names]
    return [Change(name=name, old=old, new=new) for name, old, new in pairs if old != new]


def _proven_patch(stage: Staged, sha256: str) -> bytes | None:
    """The patch that gives the file back, after it was seen to do so."""
    patch = make_patch(stage.target, stage.copy)
    if patch is None or digest_of_pieces(apply_patch(patch, stage.copy)) != sha256:
        return None
    return patch


def _note(stage: Staged) -> str | None:
    """What has become of a file besides its tags."""
    now, before = stage.target.stat(), stage.status
    notes = []
    if before.st_nlink > 1:
        notes.append(f"has {before.st_nlink - 1} other hard link(s), which keep the former file")
    if (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
        notes.append("belongs to you now: only the system's administrator may give files away")
    return "; ".join(notes) or None
