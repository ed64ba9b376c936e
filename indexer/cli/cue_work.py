"""What `musiscene cues` does, step by step: watch, plan, fill, write."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Final

import msgspec

from indexer.cli.watching import Watching
from indexer.errors import SpottingError, TrackNotFoundError
from indexer.spotting import desk
from indexer.spotting.cue_plan import CuePlan, PlanWishes
from indexer.spotting.editing import CueEdit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from uuid import UUID

    from indexer.library import Library
    from indexer.spotting.planner import CuePlanner
    from indexer.spotting.preview.mix import PreviewReport
    from musiscene.checkpoints.store import ModelStore
    from musiscene.cli.backend_options import ChosenBackend
    from musiscene.cli.captioner_options import ChosenCaptioner
    from musiscene.cli.model_options import ChosenModel
    from musiscene.console import Console
    from musiscene.generate.protocol import MusicRequest
    from musiscene.video.analysis import VideoAnalysis
    from musiscene.video.captions.given import TimedCaption

PLAN: Final = "plan.json"
TEMP_PICTURE: Final = "temp.svg"
MUSIC: Final = "music"
STEPS: Final = 100


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asks of one run."""

    wishes: PlanWishes
    formats: tuple[str, ...] = ()
    preview: str | None = None
    """Container of the preview; None for none."""
    lufs: float = -14.0
    previous: Path | None = None
    pins: tuple[str, ...] = ()
    swaps: tuple[tuple[str, str], ...] = ()
    """Cue and the name of the track that it gets."""
    replaces_temp: bool = False
    makes_music: bool = False


class CueWork:
    """Plans the music for videos of this machine.

    Args:
        console: Of the command.
        captioner: Says what scenes show.
        making: Makes music where nothing fits.
        chosen: The models.
    """

    def __init__(
        self,
        console: Console,
        captioner: ChosenCaptioner,
        making: ChosenBackend,
        chosen: ChosenModel,
    ) -> None:
        self._console = console
        self._captioner = captioner
        self._making = making
        self._chosen = chosen
        self._stop = Event()

    def run(self, video: Path, out: Path, wanted: Wanted) -> None:
        """Plan the music for a video, and write what is wanted.

        Args:
            video: The file.
            out: Folder for everything that is written.
            wanted: What is asked for.

        Raises:
            VideoError: If the video cannot be watched.
            SpottingError: If no plan can be made.
            NothingIndexedError: If there is no library.
        """
        with open_planner(self._console) as (library, store, planner):
            old = _read_plan(wanted.previous) if wanted.previous else None
            analysis, given = Watching(self._console, video, out).analysis(self._captioner, old)
            made = self._planned(library, planner, analysis, wanted, old=old, given=given)
            plan = made.plan
            if wanted.makes_music:
                plan = self._filled(library, store, planner, plan, out)
            files = self._write(library, video, out, plan, wanted.formats)
            if wanted.replaces_temp:
                files.append(_draw_temp(planner, analysis, wanted.wishes, out))
            report = self._mixed(library, video, out, plan, wanted) if wanted.preview else None
        if report is not None:
            files.append(report.path)
        from indexer.cli.cue_tables import say_plan

        self._console.emit({"plan": plan, "diff": made.diff, "files": files, "preview": report})
        say_plan(self._console, plan, made.diff, files)

    def _planned(
        self,
        library: Library,
        planner: CuePlanner,
        analysis: VideoAnalysis,
        wanted: Wanted,
        *,
        old: CuePlan | None,
        given: Sequence[TimedCaption],
    ) -> desk.MadePlan:
        wishes = desk.wishes_with(wanted.wishes, given)
        pins = [CueEdit(action="pin", cue=cue) for cue in wanted.pins]
        if old is not None and pins:
            old = planner.edit(old, pins)
        made = desk.make_plan(planner, analysis, wishes, old=old, replace_temp=wanted.replaces_temp)
        swaps = [
            CueEdit(action="swap", cue=cue, track=library.catalogue.track_called(name))
            for cue, name in wanted.swaps
        ]
        if not swaps:
            return made
        return msgspec.structs.replace(made, plan=planner.edit(made.plan, swaps))

    def _filled(
        self, library: Library, store: ModelStore, planner: CuePlanner, plan: CuePlan, out: Path
    ) -> CuePlan:
        """Have music made for the cues that nothing fits, and put it into them."""
        from indexer.spotting.fill import music_for

        open_cues = [cue for cue in plan.cues if cue.kind == "open"]
        if not open_cues:
            return plan
        made: dict[str, Path] = {}
        for cue in open_cues:
            try:
                request = music_for(plan, cue.id, reading=planner.reading(plan, cue.id))
            except SpottingError as error:
                self._console.fail_item(cue.id, str(error))
                continue
            made[cue.id] = self._make(store, request, out / MUSIC / f"{cue.id}.flac")
        return self._taken_in(library, store, plan, made)

    def _make(self, store: ModelStore, wanted: MusicRequest, path: Path) -> Path:
        from musiscene.generate.files import write_music, write_sidecar
        from musiscene.scene_reader import SCENE_READER_MODEL, SceneReader

        reader = SceneReader.load(store.folder(SCENE_READER_MODEL))
        generator = self._making.load(store, self._console, reader)
        with self._console.progress("%") as report:
            music = generator.generate(
                wanted,
                progress=lambda stage, share: report(stage, round(share * STEPS), STEPS),
                stop=self._stop,
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        write_music(music, path, title=wanted.prompt)
        write_sidecar(music, path)
        provenance = music.provenance
        self._console.note(
            f"{path.name}: made by {provenance.model}; {provenance.weights_licence}, commercial "
            f"use: {provenance.commercial_use}"
        )
        return path

    def _taken_in(
        self, library: Library, store: ModelStore, plan: CuePlan, made: dict[str, Path]
    ) -> CuePlan:
        """Index the music, and put it into its cues."""
        from indexer.cli.scanner import open_scanner
        from indexer.pipeline import ScanOptions
        from indexer.progress import ScanProgress
        from indexer.spotting.planner import CuePlanner

        with open_scanner(self._console, self._chosen) as scanner:
            report = scanner.scan(
                [path.resolve() for path in made.values()],
                progress=ScanProgress(),
                stop=self._stop,
                options=ScanOptions(retry=True),
            )
        for failure in report.failures:
            self._console.fail_item(failure.path, failure.reason)
        planner = CuePlanner.over(library, store)
        for cue, path in made.items():
            try:
                track = library.catalogue.track_called(str(path.resolve()))
                plan = planner.fill(plan, cue, track)
            except (SpottingError, TrackNotFoundError) as error:
                self._console.fail_item(cue, str(error))
        return plan

    def _write(
        self, library: Library, video: Path, out: Path, plan: CuePlan, formats: tuple[str, ...]
    ) -> list[str]:
        from indexer.spotting.exports.formats import export_plan
        from musiscene.data.rows import write_whole

        document = msgspec.json.format(msgspec.json.encode(plan), indent=2)
        write_whole(out / PLAN, [document, b"\n"])
        files = [str(out / PLAN)]
        for name in formats:
            if name == "json":
                continue  # that is the plan itself
            file = export_plan(plan, name, audio_of=audio_of(library), video=video.resolve())
            write_whole(out / file.name, [file.content])
            files.append(str(out / file.name))
        return files

    def _mixed(
        self, library: Library, video: Path, out: Path, plan: CuePlan, wanted: Wanted
    ) -> PreviewReport:
        from indexer.spotting.preview.mix import mix_preview

        with self._console.progress("%") as report:
            return mix_preview(
                plan,
                video,
                out / f"preview.{wanted.preview}",
                audio_of=audio_of(library),
                lufs=wanted.lufs,
                progress=lambda stage, share: report(stage, round(share * STEPS), STEPS),
                stop=self._stop,
            )


@contextmanager
def open_planner(console: Console) -> Iterator[tuple[Library, ModelStore, CuePlanner]]:
    """Open the library of a command.

    Args:
        console: Names the library, and is told of models that are fetched.

    Yields:
        The library, the models, and what plans with both.

    Raises:
        NothingIndexedError: If there is no library.
        ModelUnavailableError: If a model is missing and cannot be fetched.
    """
    from indexer.library import Library
    from indexer.match import MODELS
    from indexer.spotting.planner import CuePlanner
    from musiscene.checkpoints.first_use import store_with

    store = store_with(MODELS, console)
    with Library.open(console.data_dir, store, create=False, database=console.database) as library:
        yield library, store, CuePlanner.over(library, store)


def audio_of(library: Library) -> Callable[[UUID], Path | None]:
    """What gives the files of tracks: id -> path; None where the track is gone."""

    def path_of(track_id: UUID) -> Path | None:
        try:
            return Path(library.catalogue.track(track_id).path)
        except TrackNotFoundError:
            return None

    return path_of


def _read_plan(path: Path) -> CuePlan:
    try:
        return msgspec.json.decode(path.read_bytes(), type=CuePlan)
    except (OSError, msgspec.DecodeError) as error:
        raise SpottingError(f"{path}: no plan as `musiscene cues` writes it ({error})") from error


def _draw_temp(planner: CuePlanner, analysis: VideoAnalysis, wishes: PlanWishes, out: Path) -> str:
    """Write a picture of the temp music and the track that is most like it."""
    from indexer.spotting.temp_picture import overlay_svg
    from musiscene.data.rows import write_whole

    found = planner.like_temp(analysis, wishes, top_k=1)
    music = analysis.sound.music if analysis.sound else None
    if not found or music is None:
        raise SpottingError("no track goes as the music goes that lies under the picture")
    write_whole(out / TEMP_PICTURE, [overlay_svg(music, found[0]).encode()])
    return str(out / TEMP_PICTURE)
