from __future__ import annotations

from io import BytesIO

import numpy as np

from musiscene.video.jpeg import jpeg_of


def test_a_picture_is_the_same_to_the_eye():
    import av

    picture = np.zeros((91, 161, 3), np.uint8)
    picture[:, :80], picture[:, 80:] = (250, 20, 20), (10, 200, 30)
    written = jpeg_of(picture)
    with av.open(BytesIO(written), "r") as opened:
        read = next(opened.decode(video=0)).to_ndarray(format="rgb24")
    assert read.shape == picture.shape
    far = np.abs(read[:, [20, 140]].astype(int) - picture[:, [20, 140]])
    assert far.max() <= 8
