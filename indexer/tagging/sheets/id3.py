"""ID3v2 tags: of MP3 and True Audio files, and in a chunk of AIFF, WAV and DSF files.

A tag keeps its version; a file without one gets 2.4, and 2.2, which cannot be written, becomes 2.3.

Source: id3.org, ID3 tag version 2.3.0 and 2.4.0, sections 4.2 (text frames) and 4.2.6 (TXXX).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from indexer.tagging.sheets.base import JOINED, FieldNames, Raw, TagSheet, TextError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mutagen.id3 import ID3

USER_TEXT: Final = "TXXX:"
COMMENT: Final = "COMM:"
UTF8, UTF16 = 3, 1


class Id3Sheet(TagSheet):
    """ID3v2 frames.

    Args:
        tags: As mutagen has read them, not translated to another version.
        version: 3 or 4, the version to be written.
        is_bare: Whether it begins the file, whose end may hold an ID3v1 tag then.
    """

    def __init__(self, tags: ID3, *, version: int, is_bare: bool) -> None:
        self._tags = tags
        self._is_bare = is_bare
        self._version = version
        self.format = f"ID3v2.{version}"
        # TMOO came with version 2.4.
        mood, moods = ("TMOO", "TXXX:MOOD") if version == 4 else ("TXXX:MOOD", "TMOO")  # noqa: PLR2004
        self.standard = {
            "bpm": FieldNames("TBPM", ("TXXX:BPM", "TXXX:TEMPO")),
            "key": FieldNames("TKEY", ("TXXX:INITIALKEY", "TXXX:INITIAL KEY", "TXXX:KEY")),
            "mood": FieldNames(mood, (moods,)),
            "genre": FieldNames("TCON"),
            "grouping": FieldNames("TIT1", ("GRP1",)),
            "comment": FieldNames(COMMENT),
        }

    def own_name(self, field: str) -> str:
        """A TXXX frame."""
        return USER_TEXT + field

    def spelled(self, field: str, values: tuple[str, ...]) -> tuple[str, ...]:
        """As elsewhere, and one value alone in version 2.3, which knows no lists."""
        values = super().spelled(field, values)
        return (JOINED.join(values),) if values and self._version == 3 else values  # noqa: PLR2004

    def values(self, name: str) -> tuple[str, ...]:
        """The text of all frames of that name."""
        return tuple(str(text) for frame in self._frames(name) for text in frame.text)

    def put(self, name: str, values: tuple[str, ...]) -> None:
        """One frame in place of those of that name."""
        from mutagen import id3

        described = {"desc": self._frames(name)[0].desc} if self._is_described(name) else {}
        self._remove(name)
        if not values:
            return
        encoding = UTF8 if self._version == 4 else UTF16  # noqa: PLR2004
        if name.startswith(USER_TEXT):
            frame = id3.TXXX(
                encoding=encoding, desc=name.removeprefix(USER_TEXT), text=list(values)
            )
        elif name == COMMENT:
            frame = id3.COMM(encoding=encoding, lang="eng", desc="", text=list(values))
        else:
            frame = id3.Frames[name](encoding=encoding, text=list(values))
        for attribute, value in described.items():
            setattr(frame, attribute, value)
        self._tags.add(frame)

    def raw(self, name: str) -> Raw | None:
        """The frames with their encodings."""
        frames = [
            {
                "id": frame.FrameID,
                "encoding": int(frame.encoding),
                "text": [str(text) for text in frame.text],
                **{key: getattr(frame, key) for key in ("desc", "lang") if hasattr(frame, key)},
            }
            for frame in self._frames(name)
        ]
        return {"frames": frames} if frames else None

    def restore(self, name: str, raw: Raw | None) -> None:
        """The frames as they were."""
        from mutagen import id3

        self._remove(name)
        for frame in raw["frames"] if raw else ():
            fields = {key: value for key, value in frame.items() if key != "id"}
            self._tags.add(id3.Frames[frame["id"]](**fields))

    def others(self, names: Iterable[str]) -> object:
        """Every other frame, and those that mutagen does not know."""
        touched = {id(frame) for name in names for frame in self._frames(name)}
        return (
            {
                frame.HashKey: repr(frame)
                for frame in self._tags.values()
                if id(frame) not in touched and not _is_empty(frame)
            },
            sorted(bytes(frame) for frame in self._tags.unknown_frames),
        )

    def save(self, path: Path) -> None:
        """Write the tag; an old ID3v1 tag at the end is not touched."""
        end = id3v1_of(path) if self._is_bare else None
        self._tags.save(path, v2_version=self._version, v23_sep=None)
        put_back_id3v1(path, end)

    def _is_described(self, name: str) -> bool:
        return name.startswith(USER_TEXT) and bool(self._frames(name))

    def _frames(self, name: str) -> list[Any]:
        if name.startswith(USER_TEXT):
            wanted = name.removeprefix(USER_TEXT).casefold()
            return [one for one in self._tags.getall("TXXX") if one.desc.casefold() == wanted]
        if name == COMMENT:
            return [one for one in self._tags.getall("COMM") if not one.desc]
        return [frame for frame in self._tags.getall(name) if hasattr(frame, "text")]

    def _remove(self, name: str) -> None:
        for frame in self._frames(name):
            del self._tags[frame.HashKey]


def read_id3(kind: type[Any], path: Path) -> Id3Sheet:
    """Read a file's ID3v2 tag.

    Args:
        kind: mutagen's class for the file, or for a bare tag.
        path: The file.

    Returns:
        The tag; of an MP3 file with an ID3v1 tag alone, what that one says, so that a new ID3v2 tag
        does not hide it.

    Raises:
        MutagenError: If the file or its tag cannot be read.
        TextError: If its version is not known.
    """
    from mutagen import id3

    is_bare = issubclass(kind, (id3.ID3, id3.ID3FileType))
    if kind is not id3.ID3:
        file = kind(path, translate=False, load_v1=False)
        if file.tags is None:
            file.add_tags()
        tags = file.tags
    else:
        try:
            tags = id3.ID3(path, translate=False, load_v1=False)
        except id3.ID3NoHeaderError:
            tags = _of_id3v1(path)
    _, minor, *_ = tags.version if tags.version and tags.version[0] == 2 else (2, 4)  # noqa: PLR2004
    if minor == 2:  # noqa: PLR2004
        tags.update_to_v23()
        return Id3Sheet(tags, version=3, is_bare=is_bare)
    if minor not in {3, 4}:
        raise TextError(f"its ID3 tag has the unknown version 2.{minor}")
    return Id3Sheet(tags, version=minor, is_bare=is_bare)


def put_back_id3v1(path: Path, end: bytes | None) -> None:
    """Give a file the ID3v1 tag again that it had at its end."""
    if end is None:
        return
    now = id3v1_of(path)
    with path.open("r+b") as file:
        file.seek(-len(end) if now is not None else 0, 2)
        file.write(end)


def id3v1_of(path: Path) -> bytes | None:
    """The ID3v1 tag at a file's end, if there is one."""
    size = 128
    with path.open("rb") as file:
        if file.seek(0, 2) < size:
            return None
        file.seek(-size, 2)
        end = file.read(size)
    return end if end.startswith(b"TAG") else None


def _is_empty(frame: Any) -> bool:  # noqa: ANN401  a frame of any kind
    """Whether a frame says nothing: mutagen drops it when it writes."""
    return hasattr(frame, "text") and not any(str(text) for text in frame.text)


def _of_id3v1(path: Path) -> ID3:
    from mutagen import id3

    try:
        return id3.ID3(path)
    except id3.ID3NoHeaderError:
        return id3.ID3()
