"""`musiscene mcp` as a language model's program runs it: the SDK's own client, over stdio."""

from __future__ import annotations

import json
import os
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from tests.support.listening import listening, new_catalogue, store
from tests.support.retrieval import TRACKS

mcp = pytest.importorskip("mcp", reason="the extra `mcp` is not installed")

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from mcp import Client

pytestmark = pytest.mark.integration


@asynccontextmanager
async def client_of(folder: Path) -> AsyncIterator[Client]:
    command = ["-m", "tests.support.quick_service", "--data-dir", str(folder), "mcp", "--quiet"]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("MUSISCENE_")
    }
    server = mcp.StdioServerParameters(
        command=sys.executable, args=command, env=environment | {"OMP_NUM_THREADS": "1"}
    )
    async with mcp.Client(mcp.stdio_client(server)) as client:
        yield client


def said(result: Any) -> dict[str, Any]:  # noqa: ANN401  the SDK's
    """What a tool answered; the text says the same as the structure."""
    assert not result.is_error, result.content
    assert json.loads(result.content[0].text) == result.structured_content
    found: dict[str, Any] = result.structured_content
    return found


def refused(result: Any) -> str:  # noqa: ANN401
    assert result.is_error
    text: str = result.content[0].text
    return text


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made: Path = tmp_path_factory.mktemp("library")
    with new_catalogue(made) as catalogue:
        for number, (name, (scene, music, tags)) in enumerate(TRACKS.items()):
            heard = listening(f"/m/{name}.wav", audio_hash=f"{number:064x}", tags=tags)
            store(catalogue, heard, scenes=[scene], music=music)
    return made


class TestMcp:
    def test_a_model_finds_tracks_and_cuts_them(self, folder: Path):
        async def ask() -> None:
            async with client_of(folder) as client:
                tools = {tool.name: tool for tool in (await client.list_tools()).tools}
                assert set(tools) == {"match", "similar", "track", "cues"}
                assert all(
                    tool.annotations and tool.annotations.read_only_hint for tool in tools.values()
                )

                found = said(
                    await client.call_tool(
                        "match", {"scenes": ["mist rises over a still lake"], "top_k": 2}
                    )
                )
                assert found["hits"][0]["track"]["path"] == "/m/calm/lake.wav"
                lake = found["hits"][0]["track"]["id"]

                alike = said(await client.call_tool("similar", {"track": "lake.wav"}))
                paths = [hit["track"]["path"] for hit in alike["hits"]]
                assert len(paths) == 3
                assert paths[0] == "/m/calm/snow.wav"

                whole = said(await client.call_tool("track", {"track": lake}))
                assert whole["path"] == "/m/calm/lake.wav"
                assert whole["segments"]

                cut = said(
                    await client.call_tool(
                        "cues",
                        {"track": lake, "scenes": ["a still lake"], "length_seconds": 10},
                    )
                )
                window = cut["window"]
                assert window["end_seconds"] - window["start_seconds"] == pytest.approx(10)
                assert cut["text"].startswith("in 0:")
                natural = said(await client.call_tool("cues", {"track": lake}))
                assert 0 <= natural["window"]["start_seconds"] < natural["window"]["end_seconds"]

                read = await client.read_resource(f"musiscene://tracks/{lake}")
                assert json.loads(read.contents[0].model_dump()["text"]) == whole

        anyio.run(ask)

    def test_what_cannot_be_answered_is_said_and_the_server_goes_on(self, folder: Path):
        async def ask() -> None:
            async with client_of(folder) as client:
                unknown = refused(await client.call_tool("track", {"track": "no-such"}))
                assert "no-such" in unknown
                wrong = await client.call_tool("match", {"scenes": ["rain"], "filter": "bpm=quick"})
                assert "not a number" in refused(wrong)
                assert refused(await client.call_tool("match", {"scenes": ["  "]}))
                assert refused(await client.call_tool("match", {"scenes": ["a"], "top_k": 0}))
                assert refused(
                    await client.call_tool("similar", {"track": "lake.wav", "section": "x"})
                )
                with pytest.raises(mcp.MCPError):
                    await client.read_resource("musiscene://tracks/no-such")
                assert said(await client.call_tool("match", {"scenes": ["a storm"]}))["hits"]

        anyio.run(ask)
