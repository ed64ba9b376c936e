from pathlib import Path

import pytest

from musiscene.checkpoints.manifest import find_damage, read_manifest, write_manifest
from musiscene.checkpoints.registry import find_model
from musiscene.errors import ModelIntegrityError

MUSICNN = find_model("musicnn")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.bin").write_bytes(b"12345")
    return tmp_path


class TestManifest:
    def test_reads_back_what_was_written(self, folder: Path):
        written = write_manifest(folder, MUSICNN, "a folder")
        assert read_manifest(folder) == written
        assert [record.path for record in written.files] == ["deep/a.bin"]
        assert (written.size_bytes, written.licence) == (5, "ISC")

    def test_folder_without_one_is_not_ready(self, folder: Path):
        assert read_manifest(folder) is None
        assert read_manifest(folder / "nowhere") is None

    @pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"name": "musicnn"}'])
    def test_damaged_manifest_is_named(self, folder: Path, content: bytes):
        (folder / "manifest.json").write_bytes(content)
        with pytest.raises(ModelIntegrityError, match=r"manifest\.json is damaged"):
            read_manifest(folder)

    def test_files_can_be_read_by_everybody(self, folder: Path):
        (folder / "deep" / "a.bin").chmod(0o600)
        write_manifest(folder, MUSICNN, "a folder")
        assert (folder / "deep" / "a.bin").stat().st_mode & 0o777 == 0o644


class TestFindDamage:
    def test_nothing_differs_in_a_sealed_folder(self, folder: Path):
        manifest = write_manifest(folder, MUSICNN, "a folder")
        assert find_damage(folder, manifest, hashes=True) is None

    def test_torn_file_is_found_by_its_size(self, folder: Path):
        manifest = write_manifest(folder, MUSICNN, "a folder")
        (folder / "deep" / "a.bin").write_bytes(b"1234")
        damage = find_damage(folder, manifest, hashes=False)
        assert damage == "deep/a.bin has 4 bytes instead of 5"

    def test_edited_file_of_the_same_size_needs_hashes(self, folder: Path):
        manifest = write_manifest(folder, MUSICNN, "a folder")
        (folder / "deep" / "a.bin").write_bytes(b"12346")
        assert find_damage(folder, manifest, hashes=False) is None
        damage = find_damage(folder, manifest, hashes=True)
        assert damage is not None
        assert "SHA-256" in damage

    def test_missing_file_is_found(self, folder: Path):
        manifest = write_manifest(folder, MUSICNN, "a folder")
        (folder / "deep" / "a.bin").unlink()
        assert find_damage(folder, manifest, hashes=False) == "deep/a.bin is missing"
