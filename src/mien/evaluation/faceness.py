"""Whether generated pictures are faces at all, by the detector that never saw one of them."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE, EDGE = 128, 64


def share_with_a_face(pictures: NDArray[np.uint8]) -> float:
    """Share of pictures (N, S, S, 3) in which CenterFace finds a face; NaN of none.

    They are enlarged to 128 px and given an edge, as it looks for faces with something around them.
    A share near that of real crops says faces, not that they are good ones or differ: noise has
    none, and one face over and over has them all.
    """
    from mien.faces.centerface import SEEN, CenterFace

    detect = CenterFace(min_face=SEEN, threads=1)
    found = 0
    for picture in pictures:
        large = np.asarray(Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
        framed = np.pad(large, ((EDGE, EDGE), (EDGE, EDGE), (0, 0)), mode="edge")
        found += len(detect(framed)) > 0
    return found / len(pictures) if len(pictures) else float("nan")
