"""The methods under `/rest/`; no HTTP here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from indexer.errors import TrackNotFoundError
from indexer.similar.path import find_path
from indexer.similar.seeds import Seed
from service.subsonic.answers import GENERIC, MISSING_PARAMETER, NOT_FOUND, SubsonicError, song_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from service.serving import Serving
    from service.tracks.service import TrackService

MAX_COUNT: Final = 500
EXTENSIONS: Final = ("apiKeyAuthentication", "sonicSimilarity")


class SubsonicService:
    """Answers players from one library.

    Args:
        serving: The library.
        tracks: Its tracks.
    """

    def __init__(self, serving: Serving, tracks: TrackService) -> None:
        self._serving = serving
        self._tracks = tracks
        self._methods: dict[str, Callable[[Mapping[str, str]], dict[str, Any]]] = {
            "ping": lambda _asked: {},
            "getLicense": lambda _asked: {"license": {"valid": True}},
            "getOpenSubsonicExtensions": _extensions,
            "getSong": self._song,
            "getCoverArt": _no_cover,
            "getSonicSimilarTracks": self._similar,
            "findSonicPath": self._path,
        }

    def call(self, method: str, asked: Mapping[str, str]) -> dict[str, Any]:
        """What one method answers.

        Args:
            method: Its name.
            asked: Parameters of the request.

        Returns:
            Element -> what is in it.

        Raises:
            SubsonicError: If there is no such method, or a parameter is wrong.
            TrackNotFoundError: If a song is not there.
        """
        if method not in self._methods:
            raise SubsonicError(GENERIC, "this server does not have that method")
        return self._methods[method](asked)

    def file(self, asked: Mapping[str, str]) -> tuple[Path, list[Path]]:
        """The audio file that is asked for, and the folders that it must be in."""
        return self._tracks.file(_id(asked, "id")), self._tracks.audio_roots()

    def _song(self, asked: Mapping[str, str]) -> dict[str, Any]:
        return {"song": song_of(self._serving.library.catalogue.track(_id(asked, "id")))}

    def _similar(self, asked: Mapping[str, str]) -> dict[str, Any]:
        found = self._tracks.similar(
            [Seed(track_id=_id(asked, "id"))],
            wanted="",
            diversity=0.0,
            per_artist=None,
            top_k=_count(asked, 10),
        )
        rows = self._serving.library.catalogue.tracks([hit.track.id for hit in found.hits])
        return {
            "sonicMatch": [
                {
                    "entry": song_of(rows[hit.track.id]),
                    "similarity": min(max(hit.score, 0.0), 1.0),
                }
                for hit in found.hits
                if hit.track.id in rows
            ]
        }

    def _path(self, asked: Mapping[str, str]) -> dict[str, Any]:
        stops = find_path(
            self._serving.library.catalogue,
            self._serving.held().index,
            _id(asked, "startSongId"),
            _id(asked, "endSongId"),
            count=_count(asked, 25),
        )
        return {
            "sonicMatch": [
                {"entry": song_of(stop.track), "similarity": stop.similarity} for stop in stops
            ]
        }


def _extensions(_asked: Mapping[str, str]) -> dict[str, Any]:
    return {"openSubsonicExtensions": [{"name": name, "versions": [1]} for name in EXTENSIONS]}


def _no_cover(_asked: Mapping[str, str]) -> dict[str, Any]:
    raise SubsonicError(NOT_FOUND, "there are no pictures in this library")


def _id(asked: Mapping[str, str], name: str) -> UUID:
    """A song's id.

    Args:
        asked: Parameters of the request.
        name: Of the parameter.

    Returns:
        The id, which need not exist.

    Raises:
        SubsonicError: If it is missing.
        TrackNotFoundError: If no song can be called so.
    """
    if not asked.get(name):
        raise SubsonicError(MISSING_PARAMETER, f"the parameter {name} is missing")
    try:
        return UUID(asked[name])
    except ValueError as error:
        raise TrackNotFoundError(asked[name][:80]) from error


def _count(asked: Mapping[str, str], usual: int) -> int:
    """How many songs are asked for.

    Args:
        asked: Parameters of the request.
        usual: Where nothing is said.

    Returns:
        1 to `MAX_COUNT`.

    Raises:
        SubsonicError: If it is no such number.
    """
    text = asked.get("count") or str(usual)
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MAX_COUNT):
        raise SubsonicError(GENERIC, f"count must be a number from 1 to {MAX_COUNT}")
    return int(text)
