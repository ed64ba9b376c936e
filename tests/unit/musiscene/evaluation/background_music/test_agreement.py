import numpy as np

from musiscene.evaluation.background_music.agreement import MusicScale
from tests.support.background_music import heard_piece
from tests.support.listening import word_reader

SAD = heard_piece(valence=-0.6, arousal=-0.4, tags={"piano": 0.8, "slow": 0.7})
ANGRY = heard_piece(valence=-0.5, arousal=0.8, tags={"metal": 0.8, "loud": 0.7})
HAPPY = heard_piece(valence=0.8, arousal=0.3, tags={"guitar": 0.8, "happy": 0.7})
PIECES = [SAD, ANGRY, HAPPY]


class TestMusicScale:
    def test_each_text_fits_its_own_music_best(self):
        texts = ["sad slow piano", "angry loud metal", "happy guitar"]
        fits = MusicScale(PIECES).fit(texts, PIECES, word_reader())
        assert fits.argmax(axis=1).tolist() == [0, 1, 2]
        assert fits.argmax(axis=0).tolist() == [0, 1, 2]
        assert np.abs(fits).max() <= 1.0

    def test_moods_and_tags_each_count(self):
        same_tags = [heard_piece(valence=v, arousal=a) for v, a in ((-0.6, -0.4), (0.8, 0.3))]
        sad, happy = MusicScale(same_tags).fit(["melancholic"], same_tags, word_reader())[0]
        assert sad > happy
        same_mood = [heard_piece(tags={"piano": 0.8}), heard_piece(tags={"metal": 0.8})]
        piano, metal = MusicScale(same_mood).fit(["piano"], same_mood, word_reader())[0]
        assert piano > metal

    def test_pieces_that_are_all_the_same_fit_alike(self):
        same = [heard_piece(), heard_piece()]
        one, other = MusicScale(same).fit(["sad piano"], same, word_reader())[0]
        assert one == other
