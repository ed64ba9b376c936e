"""A library as one file: written beside a running service, put back whole or not at all."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from indexer.backup import CATALOGUE, MANIFEST, back_up, read_manifest, restore
from indexer.catalogue.repository import Catalogue
from indexer.errors import BackupError, CatalogueError, IndexerError
from tests.support.retrieval import TRACKS, made_library


@pytest.fixture
def library(tmp_path: Path) -> Path:
    folder = tmp_path / "library"
    folder.mkdir()
    made_library(folder).close()
    (folder / "generated").mkdir()
    (folder / "generated" / "one.flac").write_bytes(os.urandom(70_000))
    (folder / "tagging").mkdir()
    (folder / "tagging" / "run.jsonl").write_text("{}\n")
    return folder


@pytest.fixture
def backup(library: Path, tmp_path: Path) -> Path:
    back_up(library, tmp_path / "library.tar")
    return tmp_path / "library.tar"


def paths_in(data_dir: Path) -> set[str]:
    with Catalogue.open(data_dir / CATALOGUE) as catalogue:
        return {str(record["track"]["path"]) for record in catalogue.records()}


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".indexing.lock"
    }


class TestRoundTrip:
    def test_everything_comes_back(self, library: Path, backup: Path, tmp_path: Path):
        elsewhere = tmp_path / "elsewhere"
        assert restore(backup, elsewhere) is None
        assert paths_in(elsewhere) == {f"/m/{name}.wav" for name in TRACKS}
        for name in ("generated/one.flac", "tagging/run.jsonl"):
            assert (elsewhere / name).read_bytes() == (library / name).read_bytes()

    def test_it_is_made_while_others_read_and_write(self, library: Path, tmp_path: Path):
        with Catalogue.open(library / CATALOGUE) as catalogue:
            before = catalogue.count_tracks()  # a connection stays open, as the service's does
            back_up(library, tmp_path / "b.tar")
            assert catalogue.count_tracks() == before
        restore(tmp_path / "b.tar", tmp_path / "elsewhere")
        assert len(paths_in(tmp_path / "elsewhere")) == before

    def test_only_its_owner_can_read_it(self, backup: Path):
        assert backup.stat().st_mode & 0o077 == 0

    def test_nothing_is_left_beside_it(self, backup: Path):
        assert {path.name for path in backup.parent.iterdir()} == {"library", "library.tar"}


class TestReplacing:
    def test_a_library_is_never_written_over_unasked(self, library: Path, backup: Path):
        before = files_in(library)
        with pytest.raises(BackupError, match="--replace"):
            restore(backup, library)
        assert files_in(library) == before

    def test_what_was_there_is_kept_aside(self, library: Path, backup: Path):
        (library / "generated" / "two.flac").write_bytes(b"newer")
        (library / "vectors").mkdir(exist_ok=True)
        (library / "vectors" / "CURRENT").write_text("of another catalogue")
        aside = restore(backup, library, replace=True)
        assert aside is not None
        assert (aside / "generated" / "two.flac").read_bytes() == b"newer"
        assert (aside / CATALOGUE).exists()
        assert not (library / "generated" / "two.flac").exists()
        assert not (library / "vectors").exists()
        assert len(paths_in(library)) == len(TRACKS)

    def test_a_library_in_use_is_left_alone(self, library: Path, backup: Path):
        with Catalogue.open(library / CATALOGUE) as catalogue:
            count = catalogue.count_tracks()
            with pytest.raises(BackupError, match="stop the service"):
                restore(backup, library, replace=True)
            assert catalogue.count_tracks() == count

    def test_a_swap_that_fails_halfway_is_undone(
        self, library: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
    ):
        before, rename = paths_in(library), Path.rename

        def fail_at_last(self: Path, target: Path) -> Path:
            if ".restoring" in str(self) and self.name == CATALOGUE:
                raise OSError(28, "No space left on device")
            return rename(self, target)

        monkeypatch.setattr(Path, "rename", fail_at_last)
        with pytest.raises(BackupError, match="No space"):
            restore(backup, library, replace=True)
        assert paths_in(library) == before
        assert {path.name for path in library.iterdir()} == {
            CATALOGUE, "generated", "tagging", ".indexing.lock",
        }  # fmt: skip


class TestDamage:
    @pytest.mark.parametrize("place", [600, 0.3, 0.6, 0.9])
    def test_one_changed_byte_is_noticed(self, backup: Path, tmp_path: Path, place: float):
        content = bytearray(backup.read_bytes())
        position = place if isinstance(place, int) else int(len(content) * place)
        content[position] ^= 0x40
        backup.write_bytes(content)
        with pytest.raises(IndexerError):
            restore(backup, tmp_path / "elsewhere")
        assert files_in(tmp_path / "elsewhere") == {}

    @pytest.mark.parametrize("part", [0.0, 0.2, 0.5, 0.8, 0.97])
    def test_a_file_that_was_cut_off_is_refused(self, backup: Path, tmp_path: Path, part: float):
        content = backup.read_bytes()
        end = content.rfind(b"}")  # of the manifest; then there is only padding
        backup.write_bytes(content[: int(end * part)])
        with pytest.raises(BackupError):
            restore(backup, tmp_path / "elsewhere")
        assert files_in(tmp_path / "elsewhere") == {}

    def test_a_catalogue_that_contradicts_itself_is_not_backed_up(
        self, library: Path, tmp_path: Path
    ):
        file = library / CATALOGUE
        content = bytearray(file.read_bytes())
        content[4096 : 4096 * 4] = os.urandom(4096 * 3)
        file.write_bytes(content)
        with pytest.raises(CatalogueError):
            back_up(library, tmp_path / "b.tar")
        assert not (tmp_path / "b.tar").exists()

    @pytest.mark.parametrize(
        "member",
        [
            pytest.param(tarfile.TarInfo("../evil"), id="above"),
            pytest.param(tarfile.TarInfo("/etc/evil"), id="absolute"),
            pytest.param(tarfile.TarInfo("generated/../../evil"), id="above by a folder"),
            pytest.param(tarfile.TarInfo("musiscene.toml"), id="settings"),
            pytest.param(tarfile.TarInfo(CATALOGUE), id="twice"),
        ],
    )
    def test_names_that_no_backup_has_are_refused(
        self, backup: Path, tmp_path: Path, member: tarfile.TarInfo
    ):
        member.size = 4
        with tarfile.open(backup, "a:") as archive:
            archive.addfile(member, io.BytesIO(b"evil"))
        with pytest.raises(BackupError, match="in no backup"):
            restore(backup, tmp_path / "elsewhere")
        assert not list(tmp_path.rglob("evil"))

    @pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE])
    def test_links_and_folders_are_refused(self, backup: Path, tmp_path: Path, kind: bytes):
        member = tarfile.TarInfo("generated/link")
        member.type, member.linkname = kind, "../../../etc/passwd"
        with tarfile.open(backup, "a:") as archive:
            archive.addfile(member)
        with pytest.raises(BackupError, match="no plain file"):
            restore(backup, tmp_path / "elsewhere")

    def test_a_newer_format_is_refused_by_name(self, backup: Path, tmp_path: Path):
        with tarfile.open(backup) as archive:
            kept = [(one, archive.extractfile(one)) for one in archive if one.name != MANIFEST]
            with tarfile.open(tmp_path / "newer.tar", "w:") as newer:
                for one, content in kept:
                    newer.addfile(one, content)
                manifest = tarfile.TarInfo(MANIFEST)
                manifest.size = len(b'{"format":2}')
                newer.addfile(manifest, io.BytesIO(b'{"format":2}'))
        with pytest.raises(BackupError, match="of format 2"):
            read_manifest(tmp_path / "newer.tar")
