from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from mutagen.id3 import ID3

from indexer.tagging.journal import Journal, read_run
from indexer.tagging.tagger import Tagger
from musiscene.audio.read import identify_audio
from tests.support.listening import new_catalogue
from tests.support.tagging import index_file, music_file, sha256_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration

KILLED = """
import os, signal, sys
from pathlib import Path
from indexer.catalogue.repository import Catalogue
from indexer.tagging import staging, tagger
from indexer.tagging.journal import Journal, read_run
from indexer.tagging.wishes import TagWishes

folder = Path(sys.argv[1])
POINTS = {
    "copied": (staging.Staged, "check_unchanged"),
    "saved": (tagger, "check_copy"),
    "patched": (tagger, "_proven_patch"),
    "sealed": (staging.Staged, "seal"),
    "journal": (Journal, "note"),
    "replaced": (staging.Staged, "replace"),
    "followed": (tagger.Tagger, "_follow"),
}
for number, (point, (owner, name)) in enumerate(POINTS.items()):
    for when in ("before", "after"):
        child = os.fork()
        if not child:
            kept = getattr(owner, name)
            def dies(*args, **options):
                if when == "after":
                    kept(*args, **options)
                os.kill(os.getpid(), signal.SIGKILL)
            setattr(owner, name, dies)
            with Catalogue.open(folder / "catalogue.sqlite") as catalogue:
                path = str(folder / f"{point}-{when}.mp3")
                (known,) = [k for k in catalogue.known_files().values() if k.path == path]
                with Journal(folder / "tagging" / f"{point}-{when}") as journal:
                    track = catalogue.track(known.track_id)
                    tagger.Tagger(catalogue).write(track, TagWishes(), journal)
            os._exit(9)
        _, status = os.waitpid(child, 0)
        assert os.WTERMSIG(status) == signal.SIGKILL, (point, when, status)
"""
POINTS = ("copied", "saved", "patched", "sealed", "journal", "replaced", "followed")


class TestKilled:
    def test_at_any_step_the_file_is_whole_and_can_be_given_back(self, tmp_path: Path):
        """A process that is killed leaves the former file or the new one, and can be undone."""
        one = music_file(tmp_path / "first.mp3")
        names = [f"{point}-{when}" for point in POINTS for when in ("before", "after")]
        with new_catalogue(tmp_path) as catalogue:
            for name in names:
                (tmp_path / f"{name}.mp3").write_bytes(one.read_bytes())
                index_file(catalogue, tmp_path / f"{name}.mp3")
        subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=True)  # noqa: S603
        former, hash_before = sha256_of(one), identify_audio(one).audio_hash
        was_replaced = {}
        for name in names:
            path = tmp_path / f"{name}.mp3"
            was_replaced[name] = sha256_of(path) != former
            assert identify_audio(path).audio_hash == hash_before
            assert ("TXXX:MUSISCENE_MUSIC" in ID3(path)) == was_replaced[name]
            folder = tmp_path / "tagging" / name
            with new_catalogue(tmp_path) as catalogue:
                if list(folder.glob("*.jsonl")):
                    run = read_run(folder, "last")
                    with Journal(folder, undoes=run.header.id) as journal:
                        for entry in run.files:
                            Tagger(catalogue).undo(entry, journal, force=False)
            assert sha256_of(path) == former
        # `check_unchanged` comes again within `replace`, and the process dies at the first one.
        assert [name for name, replaced in was_replaced.items() if replaced] == [
            "replaced-after", "followed-before", "followed-after",
        ]  # fmt: skip
