"""Sends a running service requests that its OpenAPI document allows, and ones that it does not.

    python tools/fuzz_service.py http://127.0.0.1:8000 --examples 500

Fails on a status of 500 or more, one that is not documented, and a body that is not of its schema.
Give it a library that may be lost: it deletes what it finds.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import msgspec
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemathesis import Case

CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
ENDLESS: Final = frozenset({"followScan", "followGeneration"})
"""Streams of events."""
TIMEOUT_SECONDS: Final = 30.0


class FuzzReport(msgspec.Struct, kw_only=True):
    """What came of it."""

    cases: int = 0
    statuses: Counter[int] = msgspec.field(default_factory=Counter)
    failures: list[str] = msgspec.field(default_factory=list)


def fuzz(base_url: str, *, examples: int, seed: int | None = None) -> FuzzReport:
    """Try every operation of a service.

    Args:
        base_url: Where it is.
        examples: Requests for each operation and each kind, allowed or not.
        seed: For the same requests again; None for others each time.

    Returns:
        How many requests were sent, and which answers were wrong.
    """
    document = requests.get(f"{base_url}/docs/openapi.json", timeout=TIMEOUT_SECONDS).json()
    found = requests.get(f"{base_url}/v1/tracks", timeout=TIMEOUT_SECONDS).json()["tracks"]
    track_ids = [track["id"] for track in found]
    report = FuzzReport()
    for result in schemathesis.openapi.from_dict(document).get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]
        if operation.definition.raw["operationId"] not in ENDLESS:
            for mode in schemathesis.GenerationMode:
                _try(operation, mode, base_url, track_ids, (examples, seed), report)
    return report


def _try(
    operation: Any,  # noqa: ANN401  an `APIOperation` of whichever kind
    mode: schemathesis.GenerationMode,
    base_url: str,
    track_ids: Sequence[str],
    effort: tuple[int, int | None],
    report: FuzzReport,
) -> None:
    @settings(
        max_examples=effort[0],
        deadline=None,
        database=None,
        derandomize=effort[1] is not None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode), st.sampled_from([*track_ids, None]))
    def send(case: Case[Any], track_id: str | None) -> None:
        if track_id is not None and "track_id" in (case.path_parameters or {}):
            case.path_parameters["track_id"] = track_id
        report.cases += 1
        try:
            response = case.call(base_url=base_url, timeout=TIMEOUT_SECONDS)
            report.statuses[response.status_code] += 1
            case.validate_response(response, checks=CHECKS)
        except (FailureGroup, requests.RequestException) as error:
            report.failures.append(f"{case.as_curl_command()}\n{error!r}")

    try:
        send()
    except schemathesis.errors.InvalidSchema as error:
        report.failures.append(f"{operation.label}: {error}")
    except Exception as error:
        if type(error).__name__ != "Unsatisfiable":  # an operation without parameters
            raise


def main() -> int:
    """Fuzz what the command line names; the exit status is whether anything failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--examples", type=int, default=100)
    arguments = parser.parse_args()
    report = fuzz(arguments.url, examples=arguments.examples)
    print(f"{report.cases} requests, {len(report.failures)} failures, {dict(report.statuses)}")
    for failure in report.failures[:50]:
        print(failure)
    return bool(report.failures)


if __name__ == "__main__":
    sys.exit(main())
