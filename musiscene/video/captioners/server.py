"""Scenes put into words by a server that speaks OpenAI's chat protocol and looks at pictures."""

from __future__ import annotations

import base64
import io
import time
from typing import TYPE_CHECKING, Any, Final

from musiscene.chat import ChatBusyError, ChatServer
from musiscene.errors import CaptionerError, MusiSceneError
from musiscene.video.captioners.instructions import MAX_NEW_TOKENS, QUESTION, kept_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from musiscene.video.analysis import CaptionSource, VideoScene

ATTEMPTS: Final = 3
FIRST_WAIT_SECONDS: Final = 1.0
TIMEOUT_SECONDS: Final = 120.0
JPEG_QUALITY: Final = 85


class ServerCaptioner:
    """Asks a server about the keyframes of each scene.

    Args:
        url: Up to and with `/v1`.
        model: As the server spells it.
        api_key: Sent as a bearer token; None for none.
        timeout_seconds: For one answer.
        wait: Called with seconds when the server is busy: 1, 2 and so on.

    Raises:
        CaptionerError: If the URL is none of a web server.
    """

    licence: str | None = None
    source: CaptionSource = "model"
    most_frames = 4

    def __init__(
        self,
        url: str,
        model: str,
        *,
        api_key: str | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        try:
            self._server = ChatServer(url, model, api_key=api_key, timeout_seconds=timeout_seconds)
        except MusiSceneError as error:
            raise CaptionerError(str(error)) from error
        self.name = model
        self._wait = wait

    def caption(self, scene: VideoScene, frames: Sequence[NDArray[np.uint8]]) -> str:
        """Ask about one scene, again where the server is busy.

        Args:
            scene: Is not spoken of.
            frames: Keyframes, RGB, uint8, shape (height, width, 3).

        Returns:
            Its answer.

        Raises:
            CaptionerError: If it does not answer.
        """
        del scene
        parts: list[dict[str, Any]] = [{"type": "text", "text": QUESTION}]
        parts += [{"type": "image_url", "image_url": {"url": data_url(one)}} for one in frames]
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = self._server.ask(parts, max_tokens=MAX_NEW_TOKENS, temperature=0)
            except ChatBusyError as error:
                if attempt == ATTEMPTS:
                    raise CaptionerError(f"{error} ({ATTEMPTS} attempts)") from error
                self._wait(FIRST_WAIT_SECONDS * 2 ** (attempt - 1))
            except MusiSceneError as error:
                raise CaptionerError(str(error)) from error
            else:
                return kept_answer(answer)
        return ""


def data_url(frame: NDArray[np.uint8]) -> str:
    """A picture as a JPEG in a `data:` URL.

    Args:
        frame: RGB, uint8, shape (height, width, 3).

    Returns:
        The URL.
    """
    from PIL import Image

    written = io.BytesIO()
    Image.fromarray(frame).save(written, "JPEG", quality=JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(written.getvalue()).decode()
