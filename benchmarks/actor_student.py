"""A judge of actors that learnt from photographs of people alone: silver blendshapes, a small net.

run: python benchmarks/actor_student.py learn WILDFACES --model student.safetensors
     python benchmarks/actor_student.py judge CAST --model student.safetensors

`learn` trains a residual network on grey crops of real people's faces, found by CenterFace, to give
their 52 silver blendshape scores, and prints how it correlates with them on people held out (the
split val): what it cannot read in real faces it cannot read in actors. `judge` has it look at every
2nd frame of a cast in which a face is in full view, and correlates, per unit, the one blendshape
that names its movement with the acted intensity: no fit, no person's rest. Its teachers are the
labels of wildfaces, so it is kin to the model that made them; it never saw an actor.
"""

import argparse
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

from actor_views import films, pictures
from machine import describe
from mien.faces.boxes import iou
from mien.faces.centerface import CenterFace
from mien.faces.crop import square_crop
from mien.media.images import read_image

SIDE, ROOM = 64, 6
UNITS: dict[int, tuple[str, ...]] = {
    1: ("browInnerUp",),
    2: ("browOuterUpLeft", "browOuterUpRight"),
    4: ("browDownLeft", "browDownRight"),
    5: ("eyeWideLeft", "eyeWideRight"),
    6: ("eyeSquintLeft", "eyeSquintRight"),
    9: ("noseSneerLeft", "noseSneerRight"),
    10: ("mouthUpperUpLeft", "mouthUpperUpRight"),
    12: ("mouthSmileLeft", "mouthSmileRight"),
    15: ("mouthFrownLeft", "mouthFrownRight"),
    17: ("mouthShrugLower",),
    20: ("mouthStretchLeft", "mouthStretchRight"),
    25: ("jawOpen", "mouthLowerDownLeft", "mouthUpperUpLeft"),
    26: ("jawOpen",),
    45: ("eyeBlinkLeft", "eyeBlinkRight"),
}
"""Blendshapes of each unit: the mean of two sides; of AU25 the largest, as wildfaces has it."""


class Block(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.second = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(2))
        self.short = nn.Conv2d(inputs, width, 1, stride, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu(self.norms[0](self.first(x)))
        return F.relu(self.norms[1](self.second(y)) + self.short(x))


class Student(nn.Module):
    """Grey faces (N, 1, 64, 64) to blendshapes (N, outputs), scaled to unit spread."""

    def __init__(self, outputs: int = 52) -> None:
        super().__init__()
        widths = (24, 40, 80, 128, 160)
        blocks: list[nn.Module] = [nn.Conv2d(1, widths[0], 5, 2, 2), nn.ReLU()]
        for inputs, width in pairwise(widths):
            blocks.append(Block(inputs, width, 2))
        self.body = nn.Sequential(*blocks)
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(widths[-1] * 4, outputs))
        self.register_buffer("mean", torch.zeros(outputs))
        self.register_buffer("spread", torch.ones(outputs))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        centred = images - images.mean((2, 3), keepdim=True)
        x = self.body(centred / (images.std((2, 3), keepdim=True) + 0.05))
        return self.head(F.adaptive_avg_pool2d(x, 2).flatten(1))


def grey_crop(rgb: NDArray[np.uint8], box: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Cut a face out, grey, with room to shift it about."""
    crop = square_crop(rgb, box, SIDE + 2 * ROOM, margin=0.05 + ROOM / SIDE)
    return (crop @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)


def shaken(crops: torch.Tensor, source: torch.Generator) -> torch.Tensor:
    """Shift, turn, grow, light and grain the crops (N, 1, S, S), as another camera might."""
    n = len(crops)

    def draw(spread: float) -> torch.Tensor:
        return (torch.rand(n, generator=source) * 2 - 1) * spread

    turn, grow = draw(0.15), SIDE / (SIDE + 2 * ROOM) * (1 + draw(0.09))
    rows = torch.stack([turn.cos() * grow, -turn.sin() * grow, draw(0.09)], 1)
    columns = torch.stack([turn.sin() * grow, turn.cos() * grow, draw(0.09)], 1)
    grid = F.affine_grid(torch.stack([rows, columns], 1), [n, 1, SIDE, SIDE], align_corners=False)
    out = F.grid_sample(crops, grid, padding_mode="border", align_corners=False)
    soft = F.avg_pool2d(F.pad(out, (1, 1, 1, 1), mode="replicate"), 3, 1)
    mix = torch.rand(n, 1, 1, 1, generator=source) ** 2
    out = out * (1 - mix) + soft * mix
    out = out * (1 + draw(0.3))[:, None, None, None] + draw(0.1)[:, None, None, None]
    return out + torch.randn(out.shape, generator=source) * 0.02


def middle(crops: torch.Tensor) -> torch.Tensor:
    return crops[:, :, ROOM:-ROOM, ROOM:-ROOM]


def real_faces(folder: Path) -> tuple[torch.Tensor, torch.Tensor, NDArray[np.bool_], list[str]]:
    """Read crops, their blendshapes, which are of val, and the blendshapes' names."""
    table = arrow_csv.read_csv(folder / "labels.csv")
    names = [name for name in table.column_names if name.startswith("bs_")]
    scores = np.stack([table[name].to_numpy().astype(np.float32) for name in names], 1)
    detect = CenterFace(threads=1)
    crops = []
    for image in table["image"].to_pylist():
        rgb = read_image(folder / "images" / image)
        found = detect(rgb)
        whole = np.array([16, 10, 112, 122], np.float32)
        box = found.boxes[0] if len(found) else whole
        crops.append(grey_crop(rgb, box if iou(box[None], whole[None])[0, 0] > 0.2 else whole))
    held = np.array([split == "val" for split in table["split"].to_pylist()])
    pixels = torch.from_numpy(np.stack(crops))[:, None]
    return pixels, torch.from_numpy(scores), held, [n.removeprefix("bs_") for n in names]


def mirrored(names: list[str]) -> list[int]:
    """For each blendshape, which one it is in the mirror."""
    swap = {"Left": "Right", "Right": "Left"}
    other = [next((n.removesuffix(s) + swap[s] for s in swap if n.endswith(s)), n) for n in names]
    return [names.index(n) if n in names else i for i, n in enumerate(other)]


def learn(folder: Path, model: Path, epochs: int, batch: int = 64) -> None:
    crops, scores, held, names = real_faces(folder)
    known = np.flatnonzero(~held)
    student = Student(len(names))
    student.mean.copy_(scores[known].mean(0))
    student.spread.copy_(scores[known].std(0).clamp(min=0.02))
    targets = (scores - student.mean) / student.spread
    mirror, source = mirrored(names), torch.Generator().manual_seed(0)
    optimiser = torch.optim.AdamW(student.parameters(), 2e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, 3e-3, total_steps=epochs * (len(known) // batch)
    )
    started = time.time()
    for epoch in range(epochs):
        student.train()
        order = torch.from_numpy(known)[torch.randperm(len(known), generator=source)]
        for rows in order[: len(order) // batch * batch].split(batch):
            images, wanted = shaken(crops[rows].float() / 255, source), targets[rows]
            if torch.rand(1, generator=source) < 0.5:
                images, wanted = images.flip(3), wanted[:, mirror]
            loss = F.smooth_l1_loss(student(images), wanted)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        seen = look(student, crops[torch.from_numpy(np.flatnonzero(held))])
        found = correlations(seen, by_unit(scores[torch.from_numpy(held)].numpy(), names), names)
        shown = " ".join(f"AU{unit} {value:.2f}" for unit, value in found.items())
        print(f"epoch {epoch + 1}, {time.time() - started:.0f} s: {shown}", flush=True)
    save_file(student.state_dict(), model, metadata={"names": ",".join(names)})


def by_unit(scores: NDArray[np.float32], names: list[str]) -> dict[int, NDArray[np.float32]]:
    """Give the reading of each unit, (N,), of blendshapes (N, 52)."""
    found = {}
    for unit, wanted in UNITS.items():
        parts = scores[:, [names.index(name) for name in wanted]]
        found[unit] = parts.max(1) if unit == 25 else parts.mean(1)
    return found


def correlations(
    seen: NDArray[np.float32], truth: dict[int, NDArray[np.float32]], names: list[str]
) -> dict[int, float]:
    """Pearson of each unit's reading with its truth."""
    readings = by_unit(seen, names)
    return {unit: float(np.corrcoef(readings[unit], truth[unit])[0, 1]) for unit in UNITS}


@torch.inference_mode()
def look(student: Student, crops: torch.Tensor) -> NDArray[np.float32]:
    """Read blendshapes off crops (N, 1, S, S) bytes."""
    student.eval()
    seen = [student(middle(part.float() / 255)) for part in crops.split(256)]
    return (torch.cat(seen) * student.spread + student.mean).numpy()


def judge(cast: Path, model: Path) -> None:
    names = open_names(model)
    student = Student(len(names))
    student.load_state_dict(load_file(model))
    crops, rows = [], []
    detect = CenterFace(threads=1)
    for video, faces in films(cast):
        for picture, here in pictures(video, faces, every=2):
            boxes = detect(picture).boxes
            for face in here:
                true_box = np.array(face["box"], np.float32)[None]
                overlap = iou(true_box, boxes)[0] if len(boxes) else np.zeros(0)
                if len(overlap) and overlap.max() > 0.3:
                    crops.append(grey_crop(picture, boxes[overlap.argmax()]))
                    rows.append(face)
    seen = look(student, torch.from_numpy(np.stack(crops))[:, None])
    people = np.array([face["person"] for face in rows])
    truth = {u: np.array([face[f"AU{u}"] for face in rows], np.float32) for u in UNITS}
    readings = by_unit(seen, names)
    print(describe())
    print(f"{len(rows)} faces of {len(set(people))} people; Pearson with the acted intensity")
    print(
        "AU    over all  within person  people  reading where it rests, where it is shown (4 to 5)"
    )
    for unit in UNITS:
        own = [
            np.corrcoef(readings[unit][people == p], truth[unit][people == p])[0, 1]
            for p in set(people)
            if truth[unit][people == p].max() > 1
        ]
        rest, shown = (
            readings[unit][m].mean() if m.any() else float("nan")
            for m in (truth[unit] < 0.2, truth[unit] >= 4)
        )
        over_all = np.corrcoef(readings[unit], truth[unit])[0, 1]
        print(
            f"{unit:<4}{over_all:10.2f}{np.nanmean(own) if own else float('nan'):15.2f}"
            f"{len(own):8}{rest:9.2f}{shown:8.2f}"
        )


def open_names(model: Path) -> list[str]:
    from safetensors import safe_open

    with safe_open(model, framework="pt") as file:
        return str(file.metadata()["names"]).split(",")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("learn", "judge"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=14)
    args = parser.parse_args()
    if args.what == "learn":
        learn(args.folder, args.model, args.epochs)
    else:
        judge(args.folder, args.model)


if __name__ == "__main__":
    main()
