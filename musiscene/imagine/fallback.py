"""Scenes for when the language model has none: written by hand, chosen by the mood words alone."""

from __future__ import annotations

import re
from typing import Final

SCENES: Final[dict[str, tuple[str, str]]] = {
    "joyful": (
        "Children run through a garden sprinkler on a hot afternoon, shrieking with laughter.",
        "Friends throw coloured powder over each other at a street festival.",
    ),
    "cheerful": (
        "A baker lays out warm rolls in a sunny shop window and waves to the neighbours.",
        "A puppy tumbles after a ball across a bright kitchen floor.",
    ),
    "triumphant": (
        "A runner crosses the finish line with both arms raised as the stadium rises to its feet.",
        "Climbers plant their flag on a snowy summit above a sea of clouds.",
    ),
    "energetic": (
        "Mountain bikers race down a forest trail and leap over roots and streams.",
        "Commuters pour out of a station and across a sunlit crossing in fast motion.",
    ),
    "driving": (
        "A car speeds along a desert road at dusk, a plume of dust behind it.",
        "Workers weld and lift beams high above the streets of a growing city.",
    ),
    "tense": (
        "A thief edges along a dark corridor while a guard's torch sweeps the wall.",
        "Two chess players stare at the last pieces as the clock runs down.",
    ),
    "fierce": (
        "Storm waves smash over a harbour wall and tear a boat from its ropes.",
        "Two boxers trade blows under hot lights in a packed hall.",
    ),
    "dark": (
        "A hooded figure crosses an empty car park under a flickering lamp.",
        "Fog rolls over a graveyard as an iron gate swings open.",
    ),
    "gloomy": (
        "Rain runs down the windows of a closed factory at the edge of a grey town.",
        "A man sits alone in a waiting room long after the last train.",
    ),
    "melancholic": (
        "A woman walks along an empty winter beach with her collar turned up.",
        "An old sailor looks out over a harbour where no boats lie any more.",
    ),
    "mournful": (
        "Mourners in black follow a coffin up a muddy hill in the rain.",
        "A soldier kneels by a wooden cross in a field of snow.",
    ),
    "wistful": (
        "A grandmother finds a box of yellowed letters in the attic.",
        "A boy watches his home town grow small from the rear window of a car.",
    ),
    "dreamy": (
        "A girl floats on her back in a lake while clouds drift overhead.",
        "City lights blur past the window of a night train.",
    ),
    "still": (
        "Snow settles on a frozen pond while a single crow watches from a branch.",
        "Stars wheel slowly above a silent desert while a camp fire burns low.",
    ),
    "calm": (
        "Morning light moves across a quiet bedroom as a cat stretches on the bed.",
        "A fisherman casts his line into a smooth river at dawn.",
    ),
    "peaceful": (
        "A family of deer grazes in a misty meadow at sunrise.",
        "A couple sit on a wooden jetty and watch the sun go down.",
    ),
    "tender": (
        "A father rocks his newborn by the window and hums her to sleep.",
        "An elderly couple hold hands on a park bench under falling leaves.",
    ),
    "warm": (
        "Three generations cook together in a crowded kitchen on a Sunday.",
        "Old friends embrace at an airport gate after many years.",
    ),
    "light": (
        "A woman cycles through a spring market with flowers in her basket.",
        "Hot-air balloons lift off one by one over green fields.",
    ),
    "lively": (
        "Market sellers call and wave as shoppers crowd between the stalls.",
        "A group of friends splash each other with paddles in a sunny bay.",
    ),
    "restless": (
        "A woman paces her flat at night and looks at the telephone once more.",
        "A reporter pushes through a crowded corridor with a notebook in his hand.",
    ),
    "pensive": (
        "A writer looks up from an empty page at the rain on the roofs.",
        "A man leans on a bridge at dusk and watches the barges pass.",
    ),
}
"""Mood word, as `musiscene.affect` spells it -> two scenes."""

NEUTRAL_SCENES: Final = (
    "People cross a wide square in the morning, each on their own way.",
    "A train passes through fields and small towns under a changing sky.",
)


def fallback_scenes(description: str) -> list[str]:
    """Scenes for the mood words in a description, those of the first word first.

    Args:
        description: Of the music, as `describe_music` writes it or any other English text.

    Returns:
        At least two; the neutral ones come last.
    """
    words = dict.fromkeys(re.findall(r"[a-z]+", description.lower()))
    told = [scene for word in words for scene in SCENES.get(word, ())]
    return [*told, *NEUTRAL_SCENES]
