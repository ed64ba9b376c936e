"""What a SoundFont says of an instrument's loudness and brightness, which symusic 0.5.8 leaves out.

It plays neither the volume envelope nor the filter, and every velocity alike: a guitar would sound
on for ever.

Source: SoundFont Technical Specification 2.04, sections 7 (records) and 8.1.2 (generators).
"""

from __future__ import annotations

import struct
from functools import cache
from typing import TYPE_CHECKING, Final

import msgspec

from musiscene.generate.composer.soundfont import (
    INSTRUMENT,
    PAIR,
    SAMPLE_ID,
    chunks_of,
    tuned_soundfont,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PRESET: Final = struct.Struct("<20sHHHIII")
DRUM_BANK: Final = 128
CUTOFF, FILTER_ENVELOPE = 8, 11
ATTACK, HOLD, DECAY, SUSTAIN = 34, 35, 36, 37
INSTRUMENT_ID, KEY_RANGE, ATTENUATION = 41, 43, 48
NO_TIME: Final = 65_536 - 12_000
"""-12,000 timecents: a millisecond."""
FULL_FALL_DB: Final = 100.0
"""A decay's time is that of a fall by so much."""
OPEN_HZ: Final = 14_000.0
SEMITONE_8176: Final = 8.176
"""Frequency in Hz of 0 absolute cents."""


class Voice(msgspec.Struct, frozen=True, kw_only=True):
    """How one instrument sounds at one pitch."""

    attack_seconds: float = 0.001
    hold_seconds: float = 0.001
    decay_db_per_second: float = 0.0
    sustain_db: float = 0.0
    """Below the top; from there on it falls no more."""
    cutoff_hz: float = OPEN_HZ
    """Of its filter when it is struck hard."""


@cache
def voice(program: int, pitch: int, *, is_drums: bool) -> Voice:
    """Look an instrument up.

    Args:
        program: Of General MIDI, from 0; of drums, the kit's.
        pitch: MIDI number.
        is_drums: Whether the program is a kit.

    Returns:
        What the loudest of its zones at this pitch says.
    """
    kinds = [(DRUM_BANK, program), (DRUM_BANK, 0)] if is_drums else [(0, program)]
    for bank, number in kinds:
        zones = [one for one in _zones(bank, number) if _holds(one, pitch)]
        if zones:
            return _read(min(zones, key=lambda one: one.get(ATTENUATION, 0)))
    return Voice()


def _read(zone: dict[int, int]) -> Voice:
    fall = _seconds(zone.get(DECAY, NO_TIME))
    cutoff = OPEN_HZ
    if CUTOFF in zone:
        cents = zone[CUTOFF] + max(0, _signed(zone.get(FILTER_ENVELOPE, 0)))
        cutoff = min(OPEN_HZ, SEMITONE_8176 * 2 ** (cents / 1200))
    return Voice(
        attack_seconds=_seconds(zone.get(ATTACK, NO_TIME)),
        hold_seconds=_seconds(zone.get(HOLD, NO_TIME)),
        decay_db_per_second=FULL_FALL_DB / fall,
        sustain_db=zone.get(SUSTAIN, 0) / 10,
        cutoff_hz=cutoff,
    )


def _holds(zone: dict[int, int], pitch: int) -> bool:
    keys = zone.get(KEY_RANGE, 127 << 8)
    return keys & 255 <= pitch <= keys >> 8


@cache
def _zones(bank: int, program: int) -> list[dict[int, int]]:
    """The generators of all zones of a program that hold a sample."""
    tables = _tables()
    return [
        zone
        for place in range(len(tables.presets) - 1)
        if tables.presets[place][1:3] == (program, bank)
        for number in tables.instruments_of(place)
        for zone in tables.zones_of(number)
    ]


class _Tables:
    """The records of a SoundFont."""

    def __init__(self, data: bytes) -> None:
        chunks = chunks_of(data)
        self.presets = list(PRESET.iter_unpack(chunks[b"phdr"]))
        self._instruments = [first for _, first in INSTRUMENT.iter_unpack(chunks[b"inst"])]
        self._bags = {name: _column(chunks[name]) for name in (b"pbag", b"ibag")}
        self._generators = {
            name: list(PAIR.iter_unpack(chunks[name])) for name in (b"pgen", b"igen")
        }

    def instruments_of(self, place: int) -> Iterator[int]:
        """Those of a preset, by its place in the table."""
        bags = self._bags[b"pbag"]
        for bag in range(self.presets[place][3], self.presets[place + 1][3]):
            zone = dict(self._generators[b"pgen"][bags[bag] : bags[bag + 1]])
            if INSTRUMENT_ID in zone:
                yield zone[INSTRUMENT_ID]

    def zones_of(self, instrument: int) -> Iterator[dict[int, int]]:
        """With what the instrument's global zone says."""
        bags, shared = self._bags[b"ibag"], dict[int, int]()
        for bag in range(self._instruments[instrument], self._instruments[instrument + 1]):
            zone = dict(self._generators[b"igen"][bags[bag] : bags[bag + 1]])
            if SAMPLE_ID in zone:
                yield shared | zone
            else:
                shared = zone


@cache
def _tables() -> _Tables:
    return _Tables(tuned_soundfont().read_bytes())


def _column(records: bytes) -> Sequence[int]:
    return [first for first, _ in PAIR.iter_unpack(records)]


def _seconds(timecents: int) -> float:
    return float(2 ** (_signed(timecents) / 1200))


def _signed(value: int) -> int:
    return value - 65_536 if value > 32_767 else value  # noqa: PLR2004  two's complement
