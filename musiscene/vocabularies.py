"""The words in which the encoder describes music, and what each of them speaks of.

Two vocabularies: `mtt`, the 50 most used tags of MagnaTagATune, and `msd`, the 50 most used of the
Million Song Dataset's Last.fm tags. Their order is the order of the network's outputs, their
spelling is the data sets' own. The groups below are over both; a word may stand in several
(`opera` is a genre, and somebody sings), and one that describes no group stands in none (`solo`).

Source: Pons and Serra 2019, arXiv:1909.06654; Law et al. 2009 (MagnaTagATune); Bertin-Mahieux et
al. 2011 (Million Song Dataset).
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

Vocabulary: TypeAlias = Literal["mtt", "msd"]

MTT_TAGS: Final[tuple[str, ...]] = (
    "guitar", "classical", "slow", "techno", "strings", "drums", "electronic", "rock", "fast",
    "piano", "ambient", "beat", "violin", "vocal", "synth", "female", "indian", "opera", "male",
    "singing", "vocals", "no vocals", "harpsichord", "loud", "quiet", "flute", "woman",
    "male vocal", "no vocal", "pop", "soft", "sitar", "solo", "man", "classic", "choir", "voice",
    "new age", "dance", "male voice", "female vocal", "beats", "harp", "cello", "no voice",
    "weird", "country", "metal", "female voice", "choral",
)  # fmt: skip
MSD_TAGS: Final[tuple[str, ...]] = (
    "rock", "pop", "alternative", "indie", "electronic", "female vocalists", "dance", "00s",
    "alternative rock", "jazz", "beautiful", "metal", "chillout", "male vocalists", "classic rock",
    "soul", "indie rock", "Mellow", "electronica", "80s", "folk", "90s", "chill", "instrumental",
    "punk", "oldies", "blues", "hard rock", "ambient", "acoustic", "experimental",
    "female vocalist", "guitar", "Hip-Hop", "70s", "party", "country", "easy listening", "sexy",
    "catchy", "funk", "electro", "heavy metal", "Progressive rock", "60s", "rnb", "indie pop",
    "sad", "House", "happy",
)  # fmt: skip
TAGS_OF: Final[dict[Vocabulary, tuple[str, ...]]] = {"mtt": MTT_TAGS, "msd": MSD_TAGS}

FEMALE_VOCAL_TAGS: Final = frozenset({
    "female", "woman", "female vocal", "female voice", "female vocalist", "female vocalists",
})  # fmt: skip
"""A woman sings."""
MALE_VOCAL_TAGS: Final = frozenset({"male", "man", "male vocal", "male voice", "male vocalists"})
"""A man sings."""
VOCAL_TAGS: Final = (
    FEMALE_VOCAL_TAGS
    | MALE_VOCAL_TAGS
    | {"vocal", "vocals", "voice", "singing", "choir", "choral", "opera"}
)
"""Somebody sings."""
NO_VOCAL_TAGS: Final = frozenset({"no vocals", "no vocal", "no voice", "instrumental"})
"""Nobody sings."""
INSTRUMENT_TAGS: Final = frozenset({
    "guitar", "strings", "drums", "piano", "violin", "synth", "harpsichord", "flute", "sitar",
    "harp", "cello", "choir",
})  # fmt: skip
"""What plays; a choir counts."""
GENRE_TAGS: Final = frozenset({
    "classical", "classic", "techno", "electronic", "rock", "ambient", "indian", "opera", "pop",
    "new age", "dance", "country", "metal", "choral", "alternative", "indie", "alternative rock",
    "jazz", "chillout", "classic rock", "soul", "indie rock", "electronica", "folk", "punk",
    "oldies", "blues", "hard rock", "experimental", "Hip-Hop", "easy listening", "funk", "electro",
    "heavy metal", "Progressive rock", "rnb", "indie pop", "House",
})  # fmt: skip
"""Which style it is."""
MOOD_TAGS: Final = frozenset({
    "weird", "beautiful", "chillout", "Mellow", "chill", "party", "easy listening", "sexy",
    "catchy", "sad", "happy",
})  # fmt: skip
"""How it feels."""
ERA_TAGS: Final = frozenset({"60s", "70s", "80s", "90s", "00s", "oldies"})
"""When it is from."""
SLOW_TAGS: Final = frozenset({"slow"})
FAST_TAGS: Final = frozenset({"fast"})
PACE_TAGS: Final = SLOW_TAGS | FAST_TAGS
"""How fast it moves."""
SOFT_TAGS: Final = frozenset({"soft", "quiet", "Mellow"})
LOUD_TAGS: Final = frozenset({"loud"})
ENERGY_TAGS: Final = SOFT_TAGS | LOUD_TAGS
"""How loud and forceful it is."""

MOOD_WORDS: Final = frozenset(
    "addictive adventurous aggressive ambient angry animated anxious atmospheric bittersweet "  # noqa: SIM905
    "bizarre bold bouncy bright buoyant calm calming captivating carefree catchy celebratory "
    "chaotic charming cheerful chill cinematic classy comical confident contemplative cool "
    "danceable dark devotional disturbing dramatic dreamy easygoing eerie elegant emotional "
    "enchanting encouraging energetic engaging enthusiastic epic ethereal exciting exotic festive "
    "fierce fiery frantic fun funky funny futuristic gentle gloomy grim groovy happy harsh "
    "haunting heartfelt heavy heroic hopeful hypnotic innocent inspiring intense intimate jolly "
    "joyful laid-back lively lonely longing lush magical majestic meditative melancholic mellow "
    "menacing merry mesmerizing motivational mysterious mystical nostalgic ominous passionate "
    "pastoral patriotic peaceful peppy playful pleasant poignant positive powerful psychedelic "
    "pulsating quirky rebellious reflective relaxing religious romantic rustic sad scary sensual "
    "sentimental serene silly sinister soft solemn sombre soothing sophisticated soulful spirited "
    "spiritual spooky sunny suspenseful sweet tender tense thoughtful threatening tranquil tribal "
    "trippy triumphant tropical unsettling upbeat uplifting urgent vibrant vigorous violent "
    "vivacious warm weird whimsical wild wistful youthful".split()
)
"""Words for a mood, as musicians use them in descriptions."""
