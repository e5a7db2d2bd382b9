"""The walkthrough of docs/affwild2.md: its commands, on a made folder of the layout."""

import re
import shlex

import numpy as np
import pytest

from conftest import ROOT, draw_face
from mien.store import Store

PAGE = ROOT / "docs" / "affwild2.md"
TINY = {
    "fine-tune": ["steps=2", "batch_size=8", "checkpoint_every=2", "log_every=1"],
    "cnn-m-64": ["steps=2", "batch_size=4", "checkpoint_every=2", "log_every=1"],
}
"""Settings that are added to the page's own, so that a training takes seconds."""
CHALLENGES = ("VA_Estimation", "EXPR_Classification", "AU_Detection")


def commands():
    """Return the page's commands, in order."""
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.strip()]
    return [shlex.split(line) for line in lines]


def annotate(root, challenge, part, video, header, lines):
    folder = root / f"{challenge}_Challenge" / f"{part}_Set"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{video}.txt").write_text("\n".join([header, *lines]) + "\n")


@pytest.fixture
def corpus(tmp_path):
    """Aff-Wild2's layout: eight videos of drawn faces, one with two people, two for the test."""
    root, chance = tmp_path / "Aff-Wild2", np.random.default_rng(3)
    videos = ["video1", "video2", "video2_left", "video3", "video5", "video6", "video7"]
    for i, video in enumerate([*videos, "video4", "video8_right"]):
        folder = root / "cropped_aligned" / video
        if video == "video7":
            folder = root / "cropped_aligned_new_50_vids" / video
        folder.mkdir(parents=True)
        smiles = chance.uniform(-1, 1, 8)
        for frame, smile in enumerate(smiles, start=1):
            if frame != 5:  # no face was found
                draw_face(smile, 120 + 12 * i, 112).save(folder / f"{frame:05d}.jpg")
        if video not in videos:
            continue
        affect = [f"{s:.3f},{abs(s):.3f}" for s in smiles]
        affect[1] = "-5,-5"
        classes = [str(4 if s > 0.3 else 5 if s < -0.3 else 0) for s in smiles]
        classes[2] = "-1"
        units = [",".join([str(int(s > 0)), *[str(int(s < 0))] * 11]) for s in smiles]
        units[3] = ",".join(["-1"] * 12)
        va = "Validation" if video in ("video5", "video6") else "Train"
        other = "Validation" if video in ("video6", "video7") else "Train"
        annotate(root, "VA_Estimation", va, video, "valence,arousal", affect)
        annotate(root, "EXPR_Classification", other, video, "Neutral,Anger,...", classes)
        annotate(root, "AU_Detection", other, video, "AU1,AU2,...", units)
    return root


def test_every_command_of_the_page_runs(corpus, tmp_path, cli, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ran = []
    for command in commands():
        program, *words = command
        assert program == "mien"
        if words[0] == "train":
            for setting in TINY[words[1]]:
                words += ["--set", setting]
        result = cli(*words)
        assert result.code == 0, (command, result.err)
        ran.append(words[0])
    assert set(ran) == {
        "import", "stats", "split", "check", "train", "evaluate", "analyze", "export"
    }  # fmt: skip
    store = Store.open(tmp_path / "faces")
    for name in ("official", "va", "expression", "au"):
        assert set(store.split(name).used()) == {"train", "val", "test"}

    lines = (tmp_path / "abaw" / "VA" / "predictions.txt").read_text().splitlines()
    assert lines[0] == "image_location,valence,arousal"
    frames = [f"{n:05d}.jpg" for n in (1, 2, 3, 4, 6, 7, 8)]
    places = [line.split(",")[0] for line in lines[1:]]
    assert places == [f"{v}/{f}" for v in ("video4", "video8_right") for f in frames]
    for name, width in (("EXPR", 2), ("AU", 13), ("MTL", 16)):
        rows = (tmp_path / "abaw" / name / "predictions.txt").read_text().splitlines()[1:]
        assert len(rows) == 14
        assert {len(row.split(",")) for row in rows} == {width}
    assert not (tmp_path / "abaw-va" / "AU").exists()


def test_people_of_one_frame_are_in_folders_of_their_own(corpus, tmp_path, cli, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli("import", "affwild2", "Aff-Wild2", "--store", "faces", "--size", 48).code == 0
    store = Store.open(tmp_path / "faces")
    places = zip(store.names("subject"), store.column("frame").tolist(), strict=True)
    named = [(name.partition("/")[2], frame) for name, frame in places]
    table = ["video,frame,face_id,valence,arousal"]
    for (person, frame), track in zip(named, store.column("track").tolist(), strict=True):
        table.append(f"{person.removesuffix('_left')},{frame},{track},0.5,{0.1 * track}")
    (tmp_path / "said.csv").write_text("\n".join(table) + "\n")
    words = ("evaluate", "--predictions", "said.csv", "--store", "faces", "--part", "all")
    result = cli(*words, "--submission", "out")
    assert result.code == 0, result.err
    lines = (tmp_path / "out" / "VA" / "predictions.txt").read_text().splitlines()
    assert "video2/00001.jpg,0.500000,0.000000" in lines
    assert "video2_left/00001.jpg,0.500000,0.100000" in lines
    assert len(lines) == 1 + len(store)
