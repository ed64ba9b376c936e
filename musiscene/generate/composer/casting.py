"""Who is to play: the ensemble for a wish, with the instruments that it names."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec

from musiscene.generate.aims import as_heard
from musiscene.generate.composer.ensembles import ENSEMBLES, Ensemble, Player

if TYPE_CHECKING:
    import numpy as np

    from musiscene.generate.reading import MusicWish

NAMED, IMAGINED, MOOD, SECOND_MOOD, DISTANCE, DENIED = 6.0, 0.7, 1.2, 0.5, 1.5, 3.0
"""Weights of a word that the prompt says, a tag imagined for it, its moods, the distance in valence
and arousal, and each player that may not play."""
REACH, OUT_OF_REACH = 0.35, 4.0
"""How far from its `liveliness` an ensemble can be heard, and the weight of what lies beyond."""
JITTER: Final = 0.3
"""So that seeds differ where several ensembles fit."""
LOOSE_WORDS: Final = frozenset(
    {"sad", "happy", "soft", "slow", "mellow", "loud", "bar", "band", "party", "space", "film",
     "beat", "weird", "electric"}
)  # fmt: skip
"""They say how music is rather than who plays it."""
THEME_WRITERS: Final = frozenset({"theme", "long_theme"})


class _Instrument(msgspec.Struct, frozen=True):
    programs: frozenset[int]
    """That count as it."""
    player: Player


def _lead(name: str, program: int, low: int, high: int, *, swells: bool = True) -> Player:
    return Player(name=name, program=program, writer="theme", low=low, high=high, entry=0.3,
                  swells=swells, level_db=1.0, release_seconds=0.25)  # fmt: skip


def _chords(name: str, program: int, writer: str, voices: int = 4, *, low: int = 50) -> Player:
    return Player(name=name, program=program, writer=writer, low=low, high=low + 24, voices=voices,
                  level_db=-2.0, pan=-0.3, pedal=writer == "arpeggio", swells=writer == "pad",
                  release_seconds=0.4)  # fmt: skip


def _table() -> dict[str, _Instrument]:
    players = (
        _lead("violin", 40, 62, 84), _lead("viola", 41, 55, 76), _lead("cello", 42, 48, 69),
        _lead("flute", 73, 65, 86), _lead("oboe", 68, 62, 83), _lead("clarinet", 71, 57, 79),
        _lead("bassoon", 70, 46, 67), _lead("trumpet", 56, 58, 79), _lead("trombone", 57, 48, 67),
        _lead("horn", 60, 53, 74), _lead("saxophone", 66, 53, 74), _lead("fiddle", 110, 60, 82),
        _lead("whistle", 72, 72, 93), _lead("harmonica", 22, 60, 81), _lead("sitar", 104, 55, 76),
        _lead("glockenspiel", 9, 76, 96, swells=False), _lead("vibraphone", 11, 60, 84,
                                                              swells=False),
        _lead("banjo", 105, 55, 76, swells=False), _lead("bagpipe", 109, 60, 79),
        _chords("piano", 0, "arpeggio"), _chords("harp", 46, "arpeggio"),
        _chords("marimba", 12, "alberti"), _chords("kalimba", 108, "alberti", low=60),
        _chords("organ", 19, "pad"), _chords("choir", 52, "pad", low=55),
        _chords("strings", 48, "pad"), _chords("accordion", 21, "pad"),
        _chords("synth", 89, "pad"), _chords("pizzicato", 45, "block", 3),
        _chords("celesta", 8, "bells", 3, low=70), _chords("music-box", 10, "alberti", 3, low=70),
        _chords("brass", 61, "swells", low=46),
        Player(name="guitar", program=25, writer="picked", low=40, high=76, level_db=-2.0,
               pan=0.3, release_seconds=0.3),
        Player(name="bass", program=32, writer="root_fifth", low=31, high=50, entry=0.2),
        Player(name="drums", program=0, writer="light", entry=0.3, is_drums=True, level_db=-3.0),
        Player(name="percussion", program=0, writer="hand_drums", entry=0.3, is_drums=True,
               level_db=-4.0),
    )  # fmt: skip
    families = {
        "piano": range(6), "guitar": range(24, 32), "strings": (40, 41, 42, 44, 45, 48, 49, 50),
        "bass": range(32, 40), "horn": (60,), "brass": range(56, 64), "synth": range(80, 96),
        "choir": (52, 53, 54, 91), "organ": range(16, 21), "violin": (40,), "cello": (42,),
        "saxophone": range(64, 68), "fiddle": (40, 110),
    }  # fmt: skip
    return {
        player.name: _Instrument(frozenset(families.get(player.name, (player.program,))), player)
        for player in players
    }


INSTRUMENTS: Final = _table()
OTHER_NAMES: Final = {
    "string": "strings", "quartet": "strings", "sax": "saxophone", "keyboard": "piano",
    "synthesizer": "synth", "drum": "drums", "beat": "drums", "vocal": "choir", "vocals": "choir",
    "voice": "choir", "voices": "choir", "cellos": "cello", "timpani": "drums",
}  # fmt: skip
"""Word -> name in `INSTRUMENTS`."""
TUNED_DRUMS: Final = frozenset({47, 112, 113, 114, 115, 116, 117, 118, 119})
"""Programs that are percussion all the same."""


def cast_ensemble(wish: MusicWish, random: np.random.Generator) -> Ensemble:
    """Choose who plays.

    Args:
        wish: What the music is to be.
        random: Chooses among those that fit alike.

    Returns:
        The ensemble: each instrument that the prompt names plays in it, none that it denies.
    """
    jitter = random.uniform(0.0, JITTER, len(ENSEMBLES))
    scores = [_fit(ensemble, wish) + more for ensemble, more in zip(ENSEMBLES, jitter, strict=True)]
    chosen = ENSEMBLES[max(range(len(scores)), key=scores.__getitem__)]
    players = [player for player in chosen.players if not is_denied(player, wish.denied)]
    for name in named_instruments(wish.words):
        if not is_denied(INSTRUMENTS[name].player, wish.denied):
            players = _with(players, INSTRUMENTS[name])
    if not any(not player.is_drums for player in players):
        players.append(INSTRUMENTS["strings" if "piano" in wish.denied else "piano"].player)
    return msgspec.structs.replace(chosen, players=tuple(players))


def named_instruments(words: frozenset[str]) -> list[str]:
    """Names in `INSTRUMENTS` of the instruments among some words, sorted.

    Args:
        words: Lower case.

    Returns:
        The names.

    Example:
        >>> named_instruments(frozenset({"sad", "violins", "sax"}))
        ['saxophone', 'violin']
    """
    return sorted({name for word in words if (name := _instrument(word)) is not None})


def is_denied(player: Player, denied: frozenset[str]) -> bool:
    """Whether a player may not play.

    Args:
        player: One of an ensemble.
        denied: Words for what the music must not have.

    Returns:
        Whether one of them names it or its family.
    """
    for word in denied:
        name = _instrument(word)
        if name in {"drums", "percussion"}:
            if player.is_drums or player.program in TUNED_DRUMS:
                return True
        elif name is not None and player.program in INSTRUMENTS[name].programs:
            if not player.is_drums:
                return True
        elif word in player.name.split():
            return True
    return False


def _instrument(word: str) -> str | None:
    for form in (word, word.removesuffix("s")):
        name = OTHER_NAMES.get(form, form)
        if name in INSTRUMENTS:
            return name
    return None


def _with(players: list[Player], instrument: _Instrument) -> list[Player]:
    """The players with one that plays the instrument: in place of the tune's, if it sings."""
    wanted = instrument.player
    for player in players:
        if wanted.is_drums and player.is_drums:
            return players
        if player.program in instrument.programs and player.is_drums == wanted.is_drums:
            return players
    if wanted.writer not in THEME_WRITERS:
        return [*players, wanted]
    others = [player for player in players if player.writer not in THEME_WRITERS]
    taken = any(player.writer in THEME_WRITERS and player in _LEADS.values() for player in players)
    if taken:
        return [*players, msgspec.structs.replace(wanted, writer="counter", entry=0.3)]
    return [wanted, *others]


_LEADS: Final = {name: one.player for name, one in INSTRUMENTS.items()}


def _fit(ensemble: Ensemble, wish: MusicWish) -> float:
    said = {word for word in ensemble.suits if word in wish.words or f"{word}s" in wish.words}
    strong, loose = said - LOOSE_WORDS, said & LOOSE_WORDS
    imagined = (ensemble.suits & wish.tags) - said
    moods = sum(
        weight
        for mood, weight in zip(wish.moods, (MOOD, SECOND_MOOD), strict=False)
        if mood in ensemble.suits
    )
    valence, arousal = ensemble.place
    apart = math.hypot(wish.valence - valence, wish.arousal - arousal)
    short = _shortfall(ensemble, wish)
    lost = sum(is_denied(player, wish.denied) for player in ensemble.players)
    return (
        NAMED * len(strong) + IMAGINED * (len(imagined) + len(loose)) + moods - DISTANCE * apart
        - DENIED * lost - OUT_OF_REACH * short
    )  # fmt: skip


def _shortfall(ensemble: Ensemble, wish: MusicWish) -> float:
    """By how much the wished arousal lies beyond what the ensemble can be heard to have."""
    _, aim = as_heard(wish.valence, wish.arousal)
    return max(0.0, abs(aim - ensemble.liveliness) - REACH)
