"""Recognisers that follow people, through a video."""

from itertools import islice

import numpy as np
import pytest
import torch

from mien.analysis.analyze import Analyzer, frames_of
from mien.faces.crop import square_crop
from mien.labels.arrays import Learned
from mien.labels.heads import Head
from mien.models.heads import HeadLayout, OutputSpec
from mien.models.sequence_recogniser import SequenceRecogniser
from mien.models.sequences.cnn_rnn import CnnGru
from mien.recognition.preprocessing import Preprocessing

FRAMES = 20
HEAD = Head("valence_arousal", ("valence", "arousal"))


def follower(window: int) -> SequenceRecogniser:
    torch.manual_seed(0)
    both = window > 1
    network = CnnGru(2, "vanilla", 0, (16,), bidirectional=both).eval()
    spec = OutputSpec(HeadLayout((HEAD,)), Learned({HEAD.name: HEAD.outputs}))
    return SequenceRecogniser(network, spec, Preprocessing(28, 0.1, 1, window=window))


@pytest.mark.parametrize("window", [1, 6])
def test_a_video_frame_by_frame_is_the_sequence_as_a_whole(clip, window):
    """Of both, one that streams and one that sees windows of six frames; twice in a row."""
    recogniser = follower(window)
    analyzer = Analyzer(recogniser, exact=True)
    seen = list(analyzer.analyze(islice(frames_of(clip), FRAMES)))
    assert [len(frame.found) for frame in seen] == [1] * FRAMES
    found = np.concatenate([frame.predictions["valence_arousal"] for frame in seen])
    crops = np.stack([square_crop(f.source.rgb, f.found.boxes[0], 28, 0.1) for f in seen])
    images = torch.from_numpy(recogniser.preprocessing.batch(crops))
    parts = [images] if window == 1 else images.split(window)
    with torch.no_grad():
        whole = torch.cat([recogniser.network(p, torch.tensor([len(p)]))[0] for p in parts])
    assert np.abs(found - whole.numpy()).max() < 1e-5
    if window > 1:
        return
    again = list(analyzer.analyze(islice(frames_of(clip), 2)))  # another video, a new face 0
    assert again[1].predictions["valence_arousal"][0] == pytest.approx(found[1], abs=1e-6)
    alone = recogniser.anew().predict(crops[1:2])["valence_arousal"][0]
    assert np.abs(found[1] - alone).max() > 1e-3
