from __future__ import annotations

from functools import lru_cache

import msgspec
import numpy as np
import pytest

from musiscene.generate.composer.ensembles import ENSEMBLES, Ensemble
from musiscene.generate.composer.notes import Note, write_notes
from musiscene.generate.composer.parts.melody import make_motif
from musiscene.generate.composer.parts.page import Page
from musiscene.generate.composer.plan import MusicPlan, make_plan
from musiscene.generate.protocol import HitPoint
from musiscene.generate.reading import MusicWish

BY_NAME = {ensemble.name: ensemble for ensemble in ENSEMBLES}
IN_BEATS = [(one.name, metre) for one in ENSEMBLES for metre in one.metres]
CASES = [(name, metre, arousal) for name, metre in IN_BEATS for arousal in (-0.6, 0.6)]
TUNES = {"theme", "long_theme"}
RUBBING = {"jazz trio": 0.2, "tension": 0.3}


@lru_cache
def planned(name: str, metre: str, arousal: float, seed: int = 1) -> MusicPlan:
    ensemble = BY_NAME[name]
    words = {min(ensemble.suits), {"3/4": "waltz", "6/8": "jig"}.get(metre, "common")}
    wish = MusicWish(valence=ensemble.place[0], arousal=arousal, words=frozenset(words))
    plans = (make_plan(wish, seconds=50, seed=seed + 100 * number) for number in range(20))
    plan = next(one for one in plans if one.metre.name == metre)
    return msgspec.structs.replace(plan, ensemble=ensemble)


@lru_cache
def written(name: str, metre: str, arousal: float, seed: int = 1) -> tuple[Note, ...]:
    return tuple(write_notes(planned(name, metre, arousal, seed)))


def rubbing_share(notes: tuple[Note, ...], ensemble: Ensemble) -> float:
    """Of the time, in which two players hold a minor second in one octave."""
    drums = {player.name for player in ensemble.players if player.is_drums}
    end = max(note.start for note in notes)
    times = np.arange(0.125, end, 0.25)
    rubs = np.zeros(len(times), dtype=bool)
    held = [note for note in notes if note.player not in drums]
    for number, time in enumerate(times):
        sounding = {n.pitch for n in held if n.start + 0.1 <= time < n.start + n.length - 0.1}
        rubs[number] = any(pitch + 1 in sounding for pitch in sounding)
    return float(rubs.mean())


class TestWriteNotes:
    @pytest.mark.parametrize(("name", "metre", "arousal"), CASES)
    def test_instruments_keep_their_range_and_the_piece_its_bars(
        self, name: str, metre: str, arousal: float
    ):
        plan, notes = planned(name, metre, arousal), written(name, metre, arousal)
        players = {player.name: player for player in plan.ensemble.players}
        end = plan.form.bars[-1].start + plan.form.tail_beats
        for note in notes:
            player = players[note.player]
            assert player.is_drums or player.low <= note.pitch <= player.high
            assert 1 <= note.velocity <= 127
            assert note.length > 0
            assert 0 <= note.start <= note.start + note.length <= end + 0.5
        assert [note.start for note in notes] == sorted(note.start for note in notes)
        assert len({note.player for note in notes}) >= min(3, len(players))

    @pytest.mark.parametrize(("name", "metre", "arousal"), CASES)
    def test_players_do_not_rub_and_end_at_home(self, name: str, metre: str, arousal: float):
        plan, notes = planned(name, metre, arousal), written(name, metre, arousal)
        drums = {player.name for player in plan.ensemble.players if player.is_drums}
        assert rubbing_share(notes, plan.ensemble) < RUBBING.get(name, 0.12)
        last = [n for n in notes if n.start >= plan.form.bars[-1].start and n.player not in drums]
        assert min(last, key=lambda note: note.pitch).pitch % 12 == plan.tonic

    @pytest.mark.parametrize("name", sorted(BY_NAME))
    def test_somebody_marks_the_beat(self, name: str):
        plan = planned(name, BY_NAME[name].metres[0], 0.0)
        starts = {note.start for note in written(name, plan.metre.name, 0.0)}
        assert np.mean([float(bar.start) in starts for bar in plan.form.bars]) > 0.95
        every = range(plan.form.bars[-1].start)
        assert np.mean([float(beat) in starts for beat in every]) > 0.8

    def test_more_goes_on_where_it_is_exciting(self):
        for name in ("orchestra", "folk band", "electronic"):
            rates = []
            for arousal in (-0.6, 0.6):
                plan = planned(name, "4/4", arousal)
                rates.append(len(written(name, "4/4", arousal)) / plan.form.beat_seconds[-1])
            assert rates[1] > 1.5 * rates[0]

    def test_another_seed_is_another_piece(self):
        plans = [planned("solo piano", "4/4", 0.6, seed) for seed in (1, 2, 3)]
        assert len({plan.chords for plan in plans}) > 1
        motifs = {make_motif(Page(plan, plan.ensemble.players[0], 0), "A") for plan in plans}
        assert len(motifs) > 1


class TestTunes:
    @pytest.mark.parametrize("name", ["solo piano", "folk band", "orchestra", "harp and flute"])
    def test_stand_on_chord_tones_step_rest_and_have_one_climax(self, name: str):
        plan = planned(name, "4/4", 0.3)
        tune = next(one.name for one in plan.ensemble.players if one.writer in TUNES)
        notes = [note for note in written(name, "4/4", 0.3) if note.player == tune]
        bars = {float(bar.start): number for number, bar in enumerate(plan.form.bars)}
        first = [note for note in notes if note.start in bars]
        assert len(first) > 8
        assert all(note.pitch % 12 in plan.chords[bars[note.start]][0].tones for note in first[:-1])
        leaps = np.abs(np.diff([note.pitch for note in notes]))
        assert np.mean(leaps <= 4) > 0.6
        assert leaps.max() <= 14
        sung = sum(note.length for note in notes[:-1])
        assert sung < 0.95 * (notes[-1].start - notes[0].start)

    def test_a_theme_comes_again(self):
        plan = planned("solo piano", "4/4", 0.3)
        tune = plan.ensemble.players[0].name
        notes = [note for note in written("solo piano", "4/4", 0.3) if note.player == tune]
        rhythms = []
        for section in [one for one in plan.form.sections if one.name == "A"][:2]:
            start = plan.form.bars[section.first_bar].start
            rhythms.append({n.start - start for n in notes if start <= n.start < start + 8})
        first, again = rhythms
        assert len(first & again) >= 0.6 * len(first)

    def test_silent_bars_are_silent(self):
        wish = MusicWish(valence=0.2, arousal=0.5, words=frozenset({"orchestra"}))
        plan = make_plan(wish, seconds=40, seed=1, hits=[HitPoint(seconds=17.0, kind="cut")])
        silent = [bar for bar in plan.form.bars if bar.silent]
        assert silent
        for bar in silent:
            inside = [n for n in write_notes(plan) if bar.start <= n.start < bar.start + bar.beats]
            assert not inside
