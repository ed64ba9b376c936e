"""Writes `musiscene/client/schemas.py`, the types of the client, from `docs/openapi.json`.

Run by people who change the API, after `tools/make_openapi.py`: `python tools/make_client.py`;
`--check` only compares.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent
DOCUMENT: Final = ROOT / "docs" / "openapi.json"
SCHEMAS: Final = ROOT / "musiscene" / "client" / "schemas.py"
OPTIONS: Final = (
    "--input-file-type", "openapi", "--output-model-type", "msgspec.Struct",
    "--target-python-version", "3.11", "--use-standard-collections", "--use-union-operator",
    "--use-double-quotes", "--keyword-only",
    "--enum-field-as-literal", "all", "--disable-timestamp", "--formatters", "builtin",
    "--collapse-root-models", "--frozen-dataclasses",
)  # fmt: skip
HEADER: Final = '''"""What the service takes and gives; written by tools/make_client.py."""

# ruff: noqa
'''
DROPPED: Final = frozenset(
    {"description", "examples", "maxLength", "minLength", "maxItems", "minItems", "pattern"}
    | {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
)
"""What a field means stands in the document; ranges are the service's to check."""

ABSENT_IS_NULL: Final = (
    (r"\n\s*\| UnsetType", ""),
    (r" \| UnsetType", ""),
    (r"= UNSET\b", "= None"),
    (r"(: list\[.*\]) = None\b", r"\1 = []"),
    (r"(: \w+) = None\b", r"\1 | None = None"),
    (r"UNSET, | UnsetType,|, UnsetType", ""),
)
"""The service takes null for what is absent, and leaves nothing out of its answers."""


def schemas_text() -> str:
    """The module as it should be."""
    document = json.loads(DOCUMENT.read_text("utf-8"))
    parts = document["components"]["schemas"]
    bare: dict[str, Any] = {key: document[key] for key in ("openapi", "info")}
    bare |= {"paths": {}, "components": {"schemas": _without(parts)}}
    with TemporaryDirectory() as folder:
        source, made = Path(folder) / "openapi.json", Path(folder) / "schemas.py"
        source.write_text(json.dumps(bare), "utf-8")
        command = [sys.executable, "-m", "datamodel_code_generator", *OPTIONS]
        subprocess.run(  # noqa: S603  our own words
            [*command, "--input", str(source), "--output", str(made)], check=True
        )
        text = made.read_text("utf-8")
    text = text[text.index("from __future__") :]
    for what, instead in ABSENT_IS_NULL:
        text = re.sub(what, instead, text)
    return HEADER + text


def _without(part: Any) -> Any:  # noqa: ANN401  any JSON
    if isinstance(part, list):
        return [_without(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {
        key: {name: _without(one) for name, one in value.items()}
        if key == "properties"
        else _without(value)
        for key, value in part.items()
        if key not in DROPPED
    }


def main() -> int:
    """Write the module, or say that it is out of step."""
    text = schemas_text()
    if "--check" in sys.argv[1:]:
        if SCHEMAS.read_text("utf-8") == text:
            return 0
        print(f"{SCHEMAS}: out of step with {DOCUMENT.name}; run python tools/make_client.py")
        return 1
    SCHEMAS.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
