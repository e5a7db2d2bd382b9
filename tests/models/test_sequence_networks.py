"""Networks that follow faces: layers and parameters by hand, streaming, gaps, and other people."""

import numpy as np
import pytest
import torch
from torch import nn

from mien.errors import InputError
from mien.labels.arrays import Learned, joined
from mien.labels.heads import Head
from mien.models.checkpoint import NetworkCard, load_network, save_network
from mien.models.heads import HeadLayout, OutputSpec
from mien.models.onnx_export import export_onnx, largest_difference
from mien.models.recognition.cnn_3d import Cnn3d
from mien.models.recognition.vgg16 import Vgg16
from mien.models.sequence_recogniser import SequenceRecogniser, open_recogniser
from mien.models.sequences import SEQUENCES
from mien.models.sequences.base import joined as put_together
from mien.models.sequences.base import neighbours, padded
from mien.models.sequences.body import Body
from mien.models.sequences.cnn_3d import SlidingCnn3d
from mien.models.sequences.cnn_rnn import CnnGru, CnnLstm, CnnReluRnn
from mien.models.sequences.fera import FeraMaskBlstm, differences, ellipse
from mien.models.sequences.gru_attention import Attention, GruAttention
from mien.models.sequences.recurrent import Recurrent
from mien.recognition.onnx_recogniser import OnnxRecogniser
from mien.recognition.preprocessing import Preprocessing

HEADS = (Head("valence_arousal", ("valence", "arousal")), Head("au", ("AU01", "AU12")))
SMALL = {"body": "vanilla", "fully_connected": 0, "layers": (12, 7)}
FORMS = {
    "gru": (CnnGru, SMALL),
    "lstm": (CnnLstm, SMALL),
    "relu": (CnnReluRnn, {**SMALL, "layers": (9, 8, 5)}),
    "attention": (GruAttention, {**SMALL, "attention": 5}),
    "both ways": (CnnLstm, {**SMALL, "bidirectional": True}),
    "fera": (FeraMaskBlstm, {"layers": (6,)}),
    "cnn-3d": (SlidingCnn3d, {}),
}
STREAMING = pytest.mark.parametrize("form", ["gru", "lstm", "relu", "attention"])
WHOLE = pytest.mark.parametrize("form", ["both ways", "fera", "cnn-3d"])


def made(form: str, outputs: int = 4):
    torch.manual_seed(3)
    kind, arguments = FORMS[form]
    network = kind(outputs=outputs, **arguments).eval()
    with torch.no_grad():
        head = network.network.head if form == "cnn-3d" else network.head
        head.weight.mul_(20)
    return network


def recogniser(form: str, batch_size: int = 256) -> SequenceRecogniser:
    network = made(form)
    spec = OutputSpec(HeadLayout(HEADS), Learned({head.name: head.outputs for head in HEADS}))
    window = 1 if network.streams else 8
    preprocessing = Preprocessing(network.image_size, channels=network.channels, window=window)
    return SequenceRecogniser(network, spec, preprocessing, batch_size)


def film(network: nn.Module, frames: int, seed: int = 0) -> np.ndarray:
    shape = (frames, network.image_size, network.image_size, 3)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def lstm(inputs: int, units: int) -> int:
    return 4 * units * (inputs + units + 2)


def gru(inputs: int, units: int) -> int:
    return 3 * units * (inputs + units + 2)


CNN_M = 3 * 96 * 49 + 96 * 256 * 25 + (256 * 512 + 2 * 512 * 512) * 9 + 3 * (96 + 256 + 3 * 512)
VGG_16 = 14_714_688


def test_cnn_rnn_is_figure_2_22():
    """Two layers of 128 on a first fully connected layer of 4096, dropout behind all but one."""
    network = CnnLstm(outputs=2, body="cnn-m", image_size=64)
    body = CNN_M + 2048 * 4096 + 4096
    assert parameters(network) == body + lstm(4096, 128) + lstm(128, 128) + 128 * 2 + 2
    network = CnnGru(outputs=2, body="cnn-m", image_size=64)
    assert parameters(network) == body + gru(4096, 128) + gru(128, 128) + 128 * 2 + 2
    assert (network.dropout.p, network.recurrent.dropout.p) == (0.5, 0.5)
    found, state = network.eval()(torch.rand(5, 3, 64, 64), torch.tensor([2, 3]))
    assert (found.shape, state.shape) == ((5, 2), (2, 128 + 128))


@pytest.mark.parametrize(
    ("layers", "both"),
    [((128, 128), False), ((256, 256), False), ((100, 100, 50), False), ((300,), True)],
)
def test_recurrent_layers_of_any_sizes(layers, both):
    ways = 2 if both else 1
    inputs = (40, *(width * ways for width in layers[:-1]))
    sizes = list(zip(inputs, layers, strict=True))
    long, gated = (Recurrent(40, layers, cell, bidirectional=both) for cell in ("lstm", "gru"))
    assert parameters(long) == ways * sum(lstm(*size) for size in sizes)
    assert parameters(gated) == ways * sum(gru(*size) for size in sizes)
    assert long.width == gated.width == layers[-1] * ways
    assert gated.state_size == (0 if both else sum(layers))
    assert long.state_size == 2 * gated.state_size
    assert torch.equal(long.layers[0].bias_ih_l0[: layers[0]], torch.zeros(layers[0]))
    assert (long.layers[0].bias_ih_l0[layers[0] : 2 * layers[0]] == 1).all()
    with pytest.raises(InputError, match="at least one recurrent layer"):
        Recurrent(40, (), "gru")


def test_features_of_the_first_or_second_fully_connected_layer():
    whole = Vgg16(outputs=3, image_size=32).eval()
    images = torch.rand(2, 3, 32, 32)
    body = Body("vgg-16", 2, 32).eval()
    dense = 512 * 4096 + 4096 + 4096 * 4096 + 4096
    assert (body.width, parameters(body)) == (4096, VGG_16 + dense)
    assert body.fits(whole.state_dict())
    body.load(whole.state_dict())
    assert torch.equal(body(images), whole.features(images, 2))
    assert not Body("cnn-m-64").fits(whole.state_dict())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("vgg-fase",), "unknown body 'vgg-fase': did you mean 'vgg-face'"),
        (("cnn-m", 2), "has 1 fully connected layers"),
        (("base-48", 1), "has 0 fully connected layers"),
        (("talk-conditional",), "its class"),
        (("cnn-m-landmarks",), "its landmarks"),
        (("cnn-3d",), "its neighbours"),
    ],
)
def test_bodies_that_are_none(arguments, words):
    with pytest.raises(InputError, match=words):
        Body(*arguments)


def test_gru_attention_is_figure_5():
    """VGG-Face, GRU 2 x 128, attention over 32 steps, 9 outputs."""
    network = GruAttention(outputs=9, body="vgg-face", image_size=32)
    attention = 128 * 128 + 128 * 128 + 128 + 128
    body = VGG_16 + 512 * 4096 + 4096
    recurrent = gru(4096, 128) + gru(128, 128)
    assert parameters(network) == body + recurrent + attention + 256 * 9 + 9
    assert network.state_size == 2 * 128 + 31 * (128 + 1)
    assert network.attention.steps == 32


def test_attention_sees_the_last_steps_and_no_more():
    torch.manual_seed(0)
    attention = Attention(6, 32)
    line = torch.rand(1, 60, 6)
    before, _ = attention(line[0], torch.tensor([60]))
    assert before.shape == (60, 6)
    assert torch.allclose(before[0], line[0, 0])  # nothing else to attend to
    for step, until in ((10, 42), (25, 57)):
        other = line.clone()
        other[0, step] += 1
        changed = (attention(other[0], torch.tensor([60]))[0] - before).abs().amax(1) > 1e-7
        assert changed.nonzero()[:, 0].tolist() == list(range(step, until))
    shares = attention(torch.eye(6).repeat(4, 1)[:20], torch.tensor([20]))[0]
    assert torch.allclose(shares.sum(1), torch.ones(20))  # weights of a mean


def test_fera_is_the_texts_table():
    network = FeraMaskBlstm(outputs=5).eval()
    images = torch.rand(3, 1, 48, 48)
    assert network.image_stream(torch.rand(1, 5, 48, 48)).shape == (1, 32, 14, 14)
    kinds = [tuple(m.weight.shape) for m in network.layers if isinstance(m, nn.Conv2d)]
    assert kinds == [(64, 64, 5, 5), (128, 64, 4, 4)]
    assert network.describe(images, torch.tensor([3])).shape == (3, 3072)
    streams = 2 * (32 * 5 * 5 * 5 + 32)
    convolutions = 64 * 64 * 25 + 64 + 128 * 64 * 16 + 128
    dense = 128 * 49 * 3072 + 3072
    recurrent = 2 * lstm(3072, 300)
    assert parameters(network) == streams + convolutions + dense + recurrent + 600 * 5 + 5
    assert [m.p for m in network.layers if isinstance(m, nn.Dropout)] == [0.2]
    assert "mask" not in network.state_dict()
    assert FeraMaskBlstm(outputs=1, reach=3).image_stream[0].in_channels == 7
    with pytest.raises(InputError, match="unknown region 'mouht': did you mean 'mouth'"):
        FeraMaskBlstm(outputs=1, region="mouht")


def test_difference_coding_and_masks():
    around = torch.tensor([1.0, 4.0, 10.0, 11.0, 15.0]).view(1, 5, 1, 1).expand(1, 5, 2, 2)
    assert differences(around)[0, :, 0, 0].tolist() == [-9, -6, 10, 1, 5]
    mask = ellipse(48, (0.0, 0.0, 1.0, 1.0))
    assert mask.mean().item() == pytest.approx(np.pi / 4, abs=0.01)
    assert (mask[0, 0], mask[24, 24]) == (0, 1)
    network = FeraMaskBlstm(outputs=2, region="mouth").eval()
    images = torch.rand(4, 1, 48, 48)
    above = images.clone()
    above[:, :, :26] = 0  # outside the region
    lengths = torch.tensor([4])
    assert torch.equal(network(images, lengths)[0], network(above, lengths)[0])


def test_neighbours_stay_in_their_sequence():
    found = neighbours(torch.tensor([3, 1]), 4, range(-1, 2), torch.device("cpu"))
    assert found.tolist() == [[0, 0, 1], [0, 1, 2], [1, 2, 2], [3, 3, 3]]


def test_sequences_of_different_lengths_come_back_as_they_were():
    frames, lengths = torch.arange(12.0).view(6, 2), torch.tensor([1, 3, 2])
    rows = padded(frames, lengths)
    assert rows[:, :, 0].tolist() == [[0, 0, 0], [2, 4, 6], [8, 10, 0]]
    assert torch.equal(put_together(rows, lengths), frames)
    assert padded(frames, None).shape == (6, 1, 2)
    even = torch.tensor([3, 3])
    assert torch.equal(put_together(padded(frames, even), even), frames)


def test_the_slid_convolution_is_the_network_of_seven_frames():
    slid, single = made("cnn-3d"), Cnn3d(outputs=4).eval()
    single.load_state_dict(slid.network.state_dict())
    images = torch.rand(14, 3, 64, 64)
    with torch.no_grad():
        found, _ = slid(images, torch.tensor([9, 5]))
        for first, frames in ((0, 9), (9, 5)):
            for t in range(frames):
                at = (torch.arange(-3, 4) + t).clamp(0, frames - 1) + first
                assert torch.allclose(single(images[at][None])[0], found[first + t], atol=1e-5)


def arguments_of(name: str) -> dict[str, object]:
    return {} if name in ("cnn-3d", "fera-mask-blstm") else {**SMALL, "layers": [12, 7]}


@pytest.mark.parametrize("name", SEQUENCES)
def test_every_sequence_network_trains_and_survives_the_disk(name, tmp_path):
    arguments = {"outputs": 5, **arguments_of(name)}
    network = SEQUENCES[name](**arguments)
    images = torch.rand(6, network.channels, network.image_size, network.image_size)
    lengths = torch.tensor([4, 2])
    out, state = network(images, lengths)
    assert out.shape == (6, 5)
    assert state.shape == (2, network.state_size)
    assert (network.state_size > 0) == network.streams
    out.square().sum().backward()
    weights = dict(network.named_parameters())
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in weights.values())
    card = NetworkCard(name, arguments)
    save_network(tmp_path / name, network, card)
    again, found = load_network(tmp_path / name, SEQUENCES)
    assert found == card
    assert torch.equal(again(images, lengths)[0], network.eval()(images, lengths)[0])


def whole(network, crops: np.ndarray, lengths: list[int]) -> np.ndarray:
    """Raw outputs of sequences, each in one pass."""
    given = recogniser_form(network).batch(crops)
    parts = torch.from_numpy(given).split(lengths)
    with torch.no_grad():
        return np.concatenate([network(part, torch.tensor([len(part)]))[0] for part in parts])


def recogniser_form(network) -> Preprocessing:
    return Preprocessing(network.image_size, channels=network.channels)


@STREAMING
def test_streaming_equals_the_whole_sequence_to_1e_5_whoever_else_is_there(form):
    taker = recogniser(form)
    network = taker.network
    lengths = [40, 17, 3]
    crops = film(network, sum(lengths))
    wanted = whole(network, crops, lengths)[:, :2]
    track = np.repeat([5, 0, 9], lengths)
    time_s = np.concatenate([np.arange(n) / 30 for n in lengths])
    order = np.lexsort((track, time_s))  # frame after frame, the faces of each together
    for chunk in (1, 8, 60):
        for batch_size in (256, 7):
            fresh = SequenceRecogniser(network, taker.spec, taker.preprocessing, batch_size)
            parts = [order[i : i + chunk] for i in range(0, len(order), chunk)]
            found = joined([fresh.predict(crops[p], track[p], time_s[p]) for p in parts])
            streamed = np.empty_like(wanted)
            streamed[order] = found["valence_arousal"]
            assert np.abs(streamed - wanted).max() < 1e-5
    assert np.abs(wanted).max() > 0.1
    assert np.abs(wanted - whole(network, crops, [1] * 60)[:, :2]).max() > 1e-2  # it remembers


@STREAMING
def test_states_never_leak(form):
    """Neither across tracks, nor to another video whose tracks have the same numbers."""
    taker = recogniser(form)
    one, other = film(taker.network, 6, 1), film(taker.network, 6, 2)
    alone = taker.anew().predict(one, np.zeros(6, int))
    both = taker.anew().predict(np.concatenate([other, one]), np.repeat([1, 0], 6))
    assert largest_difference(both.at(slice(6, 12)), alone) < 1e-5
    taker.predict(other, np.zeros(6, int))
    assert largest_difference(taker.predict(one, np.zeros(6, int)), alone) > 1e-3
    assert largest_difference(taker.anew().predict(one, np.zeros(6, int)), alone) == 0


@STREAMING
def test_without_a_track_everybody_is_new(form):
    taker = recogniser(form)
    crops = film(taker.network, 4)
    found = taker.predict(crops)
    assert largest_difference(taker.predict(crops, np.full(4, -1)), found) == 0
    for i in range(4):
        alone = taker.anew().predict(crops[i : i + 1], np.zeros(1, int))
        assert largest_difference(found.at(slice(i, i + 1)), alone) < 1e-5
    assert taker.predict(crops[:0])["au"].shape == (0, 2)


@WHOLE
def test_windows_are_seen_whole_and_begin_anew(form):
    taker = recogniser(form, batch_size=5)
    crops = film(taker.network, 16)
    track = np.repeat([3, 1], 8)
    wanted = whole(taker.network, crops, [8, 8])[:, :2]
    mixed = np.argsort(np.tile(np.arange(8), 2), kind="stable")
    found = np.empty_like(wanted)
    found[mixed] = taker.predict(crops[mixed], track[mixed])["valence_arousal"]
    assert np.abs(found - wanted).max() < 1e-5
    again = taker.predict(crops[:8], track[:8])["valence_arousal"]
    assert np.abs(again - wanted[:8]).max() < 1e-5
    shorter = taker.predict(crops[:6], track[:6])["valence_arousal"]
    assert np.abs(shorter[:5] - wanted[:5]).max() > 1e-4  # later frames are looked at


def test_time_that_goes_backwards_is_refused():
    taker = recogniser("gru")
    crops = film(taker.network, 3)
    with pytest.raises(InputError, match="track 4 are not in order of time"):
        taker.predict(crops, np.array([4, 4, 2]), np.array([0.2, 0.1, 0.0]))
    taker.predict(crops, np.array([4, 4, 2]), np.array([0.1, 0.2, 0.0]))
    with pytest.raises(InputError, match="track 4 are not in order of time"):
        taker.predict(crops[:1], np.array([4]), np.array([0.15]))


def test_tracks_that_were_not_seen_for_longest_are_forgotten(monkeypatch):
    monkeypatch.setattr("mien.recognition.memory.REMEMBERED", 2)
    taker = recogniser("gru")
    crops = film(taker.network, 1)
    for track in (0, 1, 0, 2):
        taker.predict(crops, np.array([track]))
    assert list(taker.memory._seen) == [0, 2]


def test_a_frozen_body_stays_as_it_is():
    network = CnnGru(outputs=2, body="cnn-m-64")
    network.freeze_body()
    before = {name: tensor.clone() for name, tensor in network.body.state_dict().items()}
    network.train()
    assert (network.recurrent.training, network.body.training) == (True, False)
    network(torch.rand(4, 3, 64, 64), torch.tensor([4]))[0].square().sum().backward()
    assert all(torch.equal(before[k], v) for k, v in network.body.state_dict().items())
    assert all(p.grad is None for p in network.body.parameters())
    assert network.head.weight.grad.abs().sum() > 0
    with pytest.raises(InputError, match="FeraMaskBlstm has no body"):
        FeraMaskBlstm(outputs=1).freeze_body()


def test_a_file_opens_as_what_follows(tmp_path):
    taker = recogniser("gru")
    arguments = {"outputs": 4, **SMALL, "layers": [12, 7]}
    card = NetworkCard("cnn-rnn-gru", arguments, taker.spec, taker.preprocessing)
    save_network(tmp_path / "model.safetensors", taker.network, card)
    again = open_recogniser(tmp_path / "model.safetensors")
    assert again.follows
    assert again.preprocessing == taker.preprocessing
    crops, track = film(taker.network, 5), np.zeros(5, int)
    assert largest_difference(again.predict(crops, track), taker.predict(crops, track)) == 0


@pytest.mark.parametrize(
    "form",
    ["attention", *(pytest.param(f, marks=pytest.mark.slow) for f in ("gru", "lstm", "relu"))],
)
def test_an_onnx_file_follows_people_too(form, tmp_path):
    taker = recogniser(form)
    assert export_onnx(taker, tmp_path / "model.onnx") < 1e-4
    loaded = OnnxRecogniser.load(tmp_path / "model.onnx")
    assert loaded.follows
    assert loaded.card.state == taker.network.state_size
    lengths = [12, 20, 3]
    crops, track = film(taker.network, 35), np.repeat([5, -1, 9], lengths)
    time_s = np.concatenate([np.arange(n) / 30 for n in lengths])
    wanted = taker.anew().predict(crops, track, time_s)
    order = np.argsort(time_s, kind="stable")
    parts = [order[:9], order[9:9], order[9:]]
    found = joined([loaded.predict(crops[p], track[p], time_s[p]) for p in parts])
    assert largest_difference(found, wanted.at(order)) < 1e-5
    with pytest.raises(InputError, match="track 5 are not in order of time"):
        loaded.predict(crops[:1], track[:1], time_s[:1])
    again = loaded.anew().predict(crops, track, time_s)
    assert largest_difference(again, wanted) < 1e-5


def test_whole_windows_stay_in_torch(tmp_path):
    with pytest.raises(InputError, match="sees 8 frames together stays in torch"):
        export_onnx(recogniser("both ways"), tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()
