"""Writes `docs/openapi.json`, the document that the service gives at `/docs/openapi.json`.

Run by people who change the API: `python tools/make_openapi.py`; `--check` only compares. It needs
no library and no model.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from service.app import create_app
from service.settings import ServiceSettings

DOCUMENT = Path(__file__).parent.parent / "docs" / "openapi.json"


def openapi_text() -> str:
    """The document as it should be."""
    # Describing routes opens no library.
    with patch("service.app.Serving"), TemporaryDirectory() as folder:
        app = create_app(ServiceSettings(data_dir=Path(folder), remember_briefs=False))
        document = app.openapi_schema.to_schema()
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False, default=str) + "\n"


def main() -> int:
    """Write the document, or say that it is out of step."""
    text = openapi_text()
    if "--check" in sys.argv[1:]:
        if DOCUMENT.read_text("utf-8") == text:
            return 0
        print(f"{DOCUMENT}: out of step with the routes; run python tools/make_openapi.py")
        return 1
    DOCUMENT.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
