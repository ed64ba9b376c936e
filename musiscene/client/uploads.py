"""Videos that are sent to the service, block by block."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from musiscene.client.schemas import PlanWishes


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A form with a video."""

    video: Path
    captions: Path | None = None
    texts: Mapping[str, str] = MappingProxyType({})
    """Its other parts."""

    @contextmanager
    def opened(self) -> Iterator[dict[str, Any]]:
        """Open its files.

        Yields:
            For `httpx.Client.request`, which reads them as it sends.
        """
        with ExitStack() as stack:
            named = {"video": self.video, "captions": self.captions}
            files = {
                name: (path.name, stack.enter_context(path.open("rb")))
                for name, path in named.items()
                if path is not None
            }
            yield {"files": files, "data": dict(self.texts)}


@contextmanager
def form_of(upload: Upload | None) -> Iterator[dict[str, Any]]:
    """What a request is sent with beside its call.

    Args:
        upload: None for a request without a form.

    Yields:
        For `httpx.Client.request`.
    """
    if upload is None:
        yield {}
        return
    with upload.opened() as form:
        yield form


def plan_upload(
    video: Path,
    *,
    captions: Path | None,
    name: str,
    wishes: PlanWishes | None,
    replace_temp: bool,
) -> Upload:
    """The form that a plan is asked for with.

    Args:
        video: The file.
        captions: Subtitles or markers; None for none.
        name: What the plan is called; empty for the file's name.
        wishes: What is wanted; None for nothing in particular.
        replace_temp: Whether tracks are to go as the music goes that lies under the picture.

    Returns:
        The form.
    """
    texts = {
        "name": name,
        "wishes": "" if wishes is None else msgspec.json.encode(wishes).decode(),
        "replace_temp": "true" if replace_temp else "",
    }
    return Upload(
        video=Path(video),
        captions=captions,
        texts={key: text for key, text in texts.items() if text},
    )


def match_upload(video: Path, *, captions: Path | None, options: Mapping[str, Any]) -> Upload:
    """The form that a match is asked for with.

    Args:
        video: The file.
        captions: Subtitles or markers; None for none.
        options: Fields of `MatchRequest`.

    Returns:
        The form.
    """
    texts = {"options": msgspec.json.encode(options).decode()} if options else {}
    return Upload(video=Path(video), captions=captions, texts=texts)
