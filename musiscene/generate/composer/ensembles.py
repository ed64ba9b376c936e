"""Who plays together: instruments, how each of them plays, and which moods and words call for them.

The table is our own judgement of what is usual in music for pictures.
"""

from __future__ import annotations

from typing import Final

import msgspec


class Player(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument, or a section of them."""

    name: str
    """Of the part, such as `violins`."""
    program: int
    """Of General MIDI, from 0; of drums, the kit's."""
    writer: str
    """Way of playing, of `writers.WRITERS`."""
    low: int = 0
    """Lowest MIDI number."""
    high: int = 127
    """Highest."""
    voices: int = 0
    """Of its chords; 0 if it plays none."""
    entry: float = 0.0
    """Intensity from which it plays."""
    in_last: bool = True
    """Whether it plays the last bar."""
    pedal: bool = False
    """Whether notes ring on until the chord changes."""
    fastest: int = 4
    """Notes a beat."""
    is_drums: bool = False
    level_db: float = 0.0
    """In the mix."""
    pan: float = 0.0
    """-1 left to 1 right."""
    release_seconds: float = 0.25
    swells: bool = False
    """Whether held notes grow and fade: what is bowed or blown, and pads."""


class Ensemble(msgspec.Struct, frozen=True, kw_only=True):
    """Players that go together."""

    name: str
    players: tuple[Player, ...]
    liveliness: float
    """Arousal that is heard in minor if 0 is planned; from `tools/calibrate_composer.py`."""
    style: str
    """Of the chords, of `harmony.OPENINGS`."""
    place: tuple[float, float]
    """Valence and arousal that it suits best."""
    suits: frozenset[str]
    """Words that call for it."""
    metres: tuple[str, ...] = ("4/4",)
    """Of `plan.METRES`, the usual one first."""
    swing: float = 0.0
    """Share of half a beat by which the notes between beats come late: 0.33 is a triplet."""
    room: float = 0.2
    """Share of the hall in the sound."""


def _drums(name: str, program: int, writer: str, entry: float, level_db: float) -> Player:
    return Player(
        name=name, program=program, writer=writer, entry=entry, level_db=level_db, is_drums=True
    )


_PIANO: Final = Player(
    name="piano", program=0, writer="arpeggio", low=48, high=72, voices=4, pedal=True,
    release_seconds=0.4,
)  # fmt: skip
_PIANO_LEAD: Final = Player(
    name="piano melody", program=0, writer="theme", low=67, high=88, entry=0.3, pedal=True,
    level_db=2.0, release_seconds=0.4,
)  # fmt: skip
_CONTRABASS: Final = Player(
    name="double basses", program=43, writer="long_bass", low=31, high=48, entry=0.4,
    level_db=-2.0, pan=0.3, swells=True, release_seconds=0.4,
)  # fmt: skip
_STRINGS: Final = Player(
    name="strings", program=48, writer="pad", low=55, high=76, voices=4, entry=0.5,
    level_db=-7.0, swells=True, release_seconds=0.6,
)  # fmt: skip
_UPRIGHT: Final = Player(
    name="double bass", program=32, writer="root_fifth", low=31, high=50, entry=0.3, level_db=-1.0
)
_CHOIR: Final = Player(
    name="choir", program=52, writer="pad", low=55, high=74, voices=4, entry=0.6,
    level_db=-5.0, swells=True, release_seconds=0.7,
)  # fmt: skip
_TIMPANI: Final = Player(
    name="timpani", program=47, writer="timpani", low=38, high=53, entry=0.5, level_db=-2.0,
    pan=0.2, release_seconds=0.8,
)  # fmt: skip

ENSEMBLES: Final = (
    Ensemble(
        name="solo piano", liveliness=-0.35, style="warm",
        place=(-0.3, -0.5), metres=("4/4", "3/4"), room=0.2,
        suits=frozenset({"piano", "sad", "mellow", "soft", "slow", "sadness", "nostalgia"}),
        players=(
            _PIANO_LEAD, _PIANO,
            Player(name="piano bass", program=0, writer="root_fifth", low=33, high=52, pedal=True,
                   level_db=-1.0, release_seconds=0.4),
        ),
    ),
    Ensemble(
        name="piano and strings", liveliness=-0.41, style="warm",
        place=(-0.15, -0.25), metres=("4/4", "3/4"),
        room=0.26, suits=frozenset({"piano", "strings", "cello", "sad", "classical", "sadness",
                                    "tenderness"}),
        players=(
            _PIANO_LEAD, _PIANO, _STRINGS,
            Player(name="cello", program=42, writer="counter", low=48, high=67, entry=0.6,
                   level_db=-3.0, pan=0.3, swells=True, release_seconds=0.35),
            Player(name="piano bass", program=0, writer="root_fifth", low=33, high=52, pedal=True,
                   level_db=-1.0, release_seconds=0.4),
        ),
    ),
    Ensemble(
        name="strings", liveliness=-0.16, style="plain",
        place=(-0.2, 0.0), metres=("4/4", "3/4"), room=0.28,
        suits=frozenset({"strings", "violin", "viola", "cello", "classical", "chamber",
                         "quartet"}),
        players=(
            Player(name="violin", program=40, writer="theme", low=65, high=86, entry=0.3,
                   level_db=1.0, pan=-0.3, swells=True, release_seconds=0.3),
            Player(name="pizzicato strings", program=45, writer="block", low=53, high=74,
                   voices=3, fastest=2, level_db=0.0, pan=-0.1),
            Player(name="violas", program=48, writer="pad", low=53, high=72, voices=3, entry=0.45,
                   level_db=-7.0, pan=0.1, swells=True, release_seconds=0.5),
            Player(name="cello", program=42, writer="counter", low=46, high=65, entry=0.65,
                   level_db=-3.0, pan=0.3, swells=True, release_seconds=0.35),
            Player(name="pizzicato basses", program=45, writer="root_fifth", low=34, high=50,
                   level_db=0.0, pan=0.35, in_last=False),
            _CONTRABASS,
        ),
    ),
    Ensemble(
        name="orchestra", liveliness=-0.16, style="epic", place=(0.2, 0.7), room=0.3,
        suits=frozenset({"orchestra", "orchestral", "symphonic", "cinematic", "epic", "loud",
                         "power", "trailer", "film", "horn"}),
        players=(
            Player(name="horns", program=60, writer="theme", low=57, high=76, entry=0.35,
                   level_db=1.0, pan=-0.2, swells=True, release_seconds=0.35),
            Player(name="violins", program=48, writer="ostinato", low=60, high=79, voices=3,
                   level_db=-2.0, pan=-0.35, release_seconds=0.3),
            Player(name="violas and cellos", program=48, writer="chords_in_eighths", low=48,
                   high=66, voices=3, entry=0.3, level_db=-4.0, pan=0.25, release_seconds=0.3),
            Player(name="brass", program=61, writer="fanfare", low=53, high=70, voices=3,
                   entry=0.75, level_db=-4.0, pan=0.1, release_seconds=0.35),
            _CHOIR, msgspec.structs.replace(_CONTRABASS, writer="pulse_bass", entry=0.2),
            _TIMPANI, _drums("low drums", 16, "epic", 0.5, -2.0),
        ),
    ),
    Ensemble(
        name="acoustic guitar", liveliness=-0.41, style="folk",
        place=(0.4, -0.2), metres=("4/4", "3/4"), room=0.16,
        suits=frozenset({"guitar", "acoustic", "country", "mellow"}),
        players=(
            Player(name="guitar melody", program=24, writer="theme", low=62, high=81, entry=0.3,
                   level_db=3.0, pan=-0.15, release_seconds=0.3),
            Player(name="guitar", program=25, writer="picked", low=40, high=76, pan=0.2,
                   release_seconds=0.3),
            msgspec.structs.replace(_UPRIGHT, entry=0.45),
        ),
    ),
    Ensemble(
        name="folk band", liveliness=-0.40, style="folk",
        place=(0.75, 0.3), metres=("4/4", "3/4", "6/8"), room=0.16,
        suits=frozenset({"folk", "happy", "country", "irish", "celtic", "fiddle", "accordion",
                         "guitar", "joy", "playfulness", "ukulele", "banjo", "pop"}),
        players=(
            Player(name="fiddle", program=110, writer="theme", low=62, high=83, entry=0.35,
                   pan=-0.2, swells=True, release_seconds=0.2),
            Player(name="guitar", program=25, writer="strum", low=40, high=76, level_db=-1.0,
                   pan=0.25, release_seconds=0.3),
            Player(name="accordion", program=21, writer="pad", low=55, high=74, voices=3,
                   entry=0.65, level_db=-8.0, pan=-0.35, swells=True),
            _UPRIGHT, _drums("light drums", 0, "light", 0.4, -3.0),
        ),
    ),
    Ensemble(
        name="jazz trio", liveliness=-0.42, style="jazz", place=(0.4, 0.0), swing=0.3, room=0.15,
        suits=frozenset({"jazz", "swing", "lounge", "blues", "soul", "saxophone", "bar"}),
        players=(
            Player(name="piano melody", program=0, writer="theme", low=65, high=86, entry=0.3,
                   level_db=2.0, pan=-0.1),
            Player(name="piano", program=0, writer="comp", low=52, high=70, voices=4,
                   level_db=-2.0, pan=-0.2),
            Player(name="walking bass", program=32, writer="walking", low=31, high=52, pan=0.1),
            _drums("brushes", 40, "brush", 0.25, -2.0),
        ),
    ),
    Ensemble(
        name="ambient pads", liveliness=-0.47, style="still", place=(0.2, -0.75), room=0.36,
        suits=frozenset({"ambient", "atmospheric", "drone", "meditative", "space", "chillout",
                         "peacefulness", "transcendence", "mystery", "ethereal", "experimental"}),
        players=(
            Player(name="warm pad", program=89, writer="pad", low=52, high=72, voices=4,
                   level_db=-3.0, swells=True, release_seconds=1.2),
            Player(name="soft pulse", program=4, writer="soft_pulse", low=60, high=79, voices=3,
                   pedal=True, pan=-0.25, level_db=1.0, release_seconds=0.6),
            Player(name="bells", program=11, writer="bells", low=67, high=86, voices=3, entry=0.45,
                   pan=0.35, level_db=-4.0, pedal=True, release_seconds=1.0),
            Player(name="far voice", program=91, writer="long_theme", low=60, high=79, entry=0.5,
                   level_db=-4.0, swells=True, release_seconds=1.0),
            Player(name="low pad", program=89, writer="long_bass", low=36, high=52, level_db=-4.0,
                   swells=True, release_seconds=1.0),
        ),
    ),
    Ensemble(
        name="electronic", liveliness=-0.03, style="rock", place=(0.35, 0.7), room=0.14,
        suits=frozenset({"electronic", "dance", "techno", "beat", "party", "synth", "house",
                         "edm", "trance", "club", "energy", "synthesizer", "hip-hop", "funk"}),
        players=(
            Player(name="lead synth", program=81, writer="theme", low=64, high=84, entry=0.5,
                   level_db=-3.0, release_seconds=0.15),
            Player(name="sequencer", program=90, writer="sequence", low=60, high=79, voices=4,
                   level_db=-4.0, pan=-0.25, release_seconds=0.15),
            Player(name="stabs", program=62, writer="offbeat", low=55, high=74, voices=3,
                   entry=0.6, level_db=-6.0, pan=0.25, release_seconds=0.12),
            Player(name="synth pad", program=89, writer="pad", low=53, high=72, voices=4,
                   level_db=-8.0, swells=True, release_seconds=0.5),
            Player(name="synth bass", program=38, writer="synth_bass", low=31, high=50, entry=0.2,
                   level_db=-1.0, release_seconds=0.1),
            _drums("drum machine", 25, "four_on_the_floor", 0.2, 0.0),
        ),
    ),
    Ensemble(
        name="rock band", liveliness=-0.15, style="rock", place=(-0.1, 0.85), room=0.12,
        suits=frozenset({"rock", "metal", "punk", "grunge", "band", "aggression", "electric",
                         "indie"}),
        players=(
            Player(name="lead guitar", program=29, writer="theme", low=62, high=81, entry=0.5,
                   level_db=-2.0, pan=0.1, release_seconds=0.15),
            Player(name="rhythm guitar", program=30, writer="power", low=40, high=64,
                   level_db=-4.0, pan=-0.45, release_seconds=0.1),
            Player(name="clean guitar", program=27, writer="arpeggio", low=52, high=72, voices=4,
                   level_db=-3.0, pan=0.45, release_seconds=0.2),
            Player(name="bass guitar", program=34, writer="pulse_bass", low=28, high=47,
                   release_seconds=0.1),
            _drums("drums", 16, "rock", 0.2, 0.0),
        ),
    ),
    Ensemble(
        name="world percussion", liveliness=-0.07, style="folk",
        place=(0.3, 0.5), metres=("4/4", "6/8"), room=0.18,
        suits=frozenset({"percussion", "african", "world", "tribal", "latin", "kalimba",
                         "marimba", "indian", "ethnic", "congas", "bongos"}),
        players=(
            Player(name="bamboo flute", program=75, writer="theme", low=64, high=83, entry=0.45,
                   swells=True, pan=-0.1),
            Player(name="marimba", program=12, writer="arpeggio", low=53, high=74, voices=4,
                   level_db=2.0, pan=-0.3, release_seconds=0.4),
            Player(name="kalimba", program=108, writer="alberti", low=62, high=81, voices=3,
                   entry=0.55, level_db=-2.0, pan=0.3),
            Player(name="fretless bass", program=35, writer="root_fifth", low=31, high=50,
                   entry=0.3, level_db=-1.0),
            _drums("hand drums", 0, "hand_drums", 0.0, -2.0),
            _drums("bells and shakers", 0, "bell_patterns", 0.4, -5.0),
        ),
    ),
    Ensemble(
        name="harp and flute", liveliness=-0.48, style="plain",
        place=(0.55, -0.5), metres=("4/4", "3/4", "6/8"),
        room=0.28, suits=frozenset({"harp", "flute", "oboe", "clarinet", "soft", "tenderness",
                                    "peacefulness", "wonder", "woodwind", "pastoral"}),
        players=(
            Player(name="flute", program=73, writer="theme", low=67, high=88, entry=0.3,
                   level_db=-1.0, pan=-0.2, swells=True, release_seconds=0.25),
            Player(name="harp", program=46, writer="arpeggio", low=48, high=74, voices=4,
                   pedal=True, level_db=2.0, pan=0.25, release_seconds=0.8),
            Player(name="harp bass", program=46, writer="root_fifth", low=36, high=52, pedal=True,
                   level_db=1.0, pan=0.25, release_seconds=0.8),
            msgspec.structs.replace(_STRINGS, program=49, entry=0.55),
            Player(name="celesta", program=8, writer="bells", low=72, high=91, voices=3,
                   entry=0.65, level_db=-5.0, pan=-0.4, release_seconds=0.8),
        ),
    ),
    Ensemble(
        name="choir and organ", liveliness=-0.43, style="plain",
        place=(0.15, -0.25), metres=("4/4", "3/4"),
        room=0.4, suits=frozenset({"choir", "organ", "church", "sacred", "hymn", "choral",
                                   "transcendence", "gospel", "cathedral"}),
        players=(
            msgspec.structs.replace(_CHOIR, entry=0.35, level_db=-2.0, writer="swells"),
            Player(name="organ melody", program=19, writer="theme", low=64, high=84, entry=0.3,
                   release_seconds=0.3),
            Player(name="organ", program=19, writer="block", low=53, high=72, voices=3,
                   fastest=2, level_db=-3.0, release_seconds=0.3),
            Player(name="organ pedals", program=19, writer="root_fifth", low=36, high=52,
                   level_db=-2.0, release_seconds=0.3),
            Player(name="tubular bells", program=14, writer="timpani", low=60, high=74, entry=0.7,
                   level_db=-6.0, pan=0.3, release_seconds=1.0),
        ),
    ),
    Ensemble(
        name="tension", liveliness=0.26, style="tense", place=(-0.6, 0.4), room=0.28,
        suits=frozenset({"tension", "darkness", "suspense", "thriller", "horror", "weird",
                         "ominous", "spy"}),
        players=(
            Player(name="tremolo strings", program=44, writer="tremolo", low=52, high=71,
                   voices=3, entry=0.3, level_db=-4.0, pan=-0.3, swells=True, release_seconds=0.3),
            Player(name="low strings", program=48, writer="ostinato", low=43, high=62, voices=3,
                   level_db=0.0, pan=0.25, release_seconds=0.25),
            Player(name="clarinet", program=71, writer="long_theme", low=55, high=74, entry=0.5,
                   level_db=-1.0, pan=-0.15, swells=True),
            Player(name="low drone", program=43, writer="drone", low=31, high=46, level_db=-3.0,
                   swells=True, release_seconds=0.5),
            Player(name="pulse", program=38, writer="pulse_bass", low=31, high=48, entry=0.45,
                   level_db=-4.0, release_seconds=0.1),
            _drums("ticking", 0, "ticking", 0.0, -3.0),
            msgspec.structs.replace(_TIMPANI, entry=0.65),
        ),
    ),
    Ensemble(
        name="marching brass", liveliness=-0.28, style="plain", place=(0.6, 0.6), room=0.24,
        suits=frozenset({"fanfare", "brass", "trumpet", "march", "marching", "parade", "trombone",
                         "tuba", "military", "heroic", "triumphant"}),
        players=(
            Player(name="trumpets", program=56, writer="theme", low=60, high=79, entry=0.35,
                   pan=-0.25, swells=True, release_seconds=0.25),
            Player(name="horns", program=60, writer="offbeat", low=53, high=70, voices=3,
                   level_db=-3.0, pan=0.25, release_seconds=0.25),
            Player(name="trombones", program=57, writer="fanfare", low=48, high=67, voices=3,
                   entry=0.6, level_db=-5.0, pan=0.1, release_seconds=0.3),
            Player(name="tuba", program=58, writer="root_fifth", low=29, high=48, level_db=-1.0,
                   pan=0.2, release_seconds=0.2),
            _drums("marching drums", 48, "march", 0.2, -2.0),
        ),
    ),
    Ensemble(
        name="light pizzicato", liveliness=-0.36, style="plain", place=(0.65, 0.15), room=0.2,
        suits=frozenset({"playfulness", "pizzicato", "comedy", "bassoon", "xylophone",
                         "glockenspiel", "cartoon", "children"}),
        players=(
            Player(name="clarinet", program=71, writer="theme", low=60, high=81, entry=0.35,
                   pan=-0.2, swells=True, release_seconds=0.2),
            Player(name="pizzicato strings", program=45, writer="offbeat", low=57, high=76,
                   voices=3, pan=0.2, level_db=1.0),
            Player(name="glockenspiel", program=9, writer="bells", low=76, high=95, voices=3,
                   entry=0.6, level_db=-7.0, pan=0.4, release_seconds=0.6),
            Player(name="marimba", program=12, writer="alberti", low=55, high=76, voices=3,
                   entry=0.5, level_db=0.0, pan=-0.35),
            Player(name="bassoon", program=70, writer="root_fifth", low=36, high=55,
                   level_db=-1.0, pan=0.15),
            _drums("small drums", 0, "light", 0.45, -5.0),
        ),
    ),
)  # fmt: skip
