"""Film actors: MP4 files, and the truth of every person in every frame."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from mien.actors import raster
from mien.actors.action_units import UNITS
from mien.actors.behaviour import Performance, perform
from mien.actors.cover import draw_cover
from mien.actors.identity import sample_identity
from mien.actors.portrait import draw_portrait, portrait_file
from mien.actors.render import Actor, Moment, View, to_srgb
from mien.actors.room import background
from mien.actors.shot import Shot, sample_shot
from mien.atomic import replacing
from mien.media.encode import VideoWriter

HEAD_CM = 23.0
"""From chin to the top of the hair, about."""


@dataclass(frozen=True)
class Plan:
    """One video to be filmed. people: numbers of the actors in it. size, fps: None where drawn."""

    name: str
    seed: int
    people: tuple[int, ...]
    seconds: float
    size: tuple[int, int] | None
    fps: float | None = None


def plan_videos(
    people: int,
    each: int,
    seconds: float,
    seed: int,
    size: tuple[int, int] | None,
    fps: float | None = None,
) -> list[Plan]:
    """List the videos of a cast; about one in eight shows a second person."""
    source = np.random.default_rng((seed, 0xCA57))
    plans = []
    for person in range(people):
        for take in range(each):
            cast: tuple[int, ...] = (person,)
            if people > 1 and source.random() < 0.12:
                other = int(source.integers(people - 1))
                cast = (person, other + (other >= person))
            name = f"actor{person:03d}_{take}.mp4"
            plans.append(Plan(name, seed, cast, seconds, size, fps))
    return plans


def person_seed(seed: int, person: int) -> int:
    """Seed of an actor's identity: other for every cast."""
    return int(np.random.default_rng((seed, person, 0xAC7)).integers(2**31))


@lru_cache(maxsize=4)
def actor_of(seed: int, person: int) -> Actor:
    """Make an actor of a cast: half a second's work, so the last few are kept."""
    return Actor(sample_identity(person_seed(seed, person)))


@dataclass
class _Role:
    """An actor in a video, and what they do there."""

    number: int
    actor: Actor
    performance: Performance
    centre: tuple[float, float]
    scale: float
    leave: tuple[float, float] | None


def film(plan: Plan, folder: Path) -> Path:
    """Film one video into a folder, with its truth beside it; both are whole or not there.

    With them the portrait of its first person, where there is none yet.
    """
    key = zlib.crc32(plan.name.encode())
    source = np.random.default_rng((plan.seed, key))
    shot = sample_shot(source, plan.size, plan.seconds)
    if plan.fps is not None:
        shot = replace(shot, fps=plan.fps)
    roles = _cast(plan, shot, source)
    # A camera sets its exposure by the face.
    open_ = 1 + 0.6 * max(roles[0].actor.person.tone - 0.4, 0)
    room = background(source, shot.width, shot.height)
    rows: list[dict[str, Any]] = []
    target = folder / plan.name
    noise = np.random.default_rng((plan.seed, key, 1))
    with replacing(target) as temporary:
        with VideoWriter(temporary, shot.fps, shot.quality) as video:
            for frame in range(len(roles[0].performance.time_s)):
                time_s = frame / shot.fps
                picture = room.copy()
                for role in roles:
                    rows.append(_draw_role(picture, role, shot, frame, time_s, plan.name))
                picture *= np.float32(open_)
                video.write(_camera(picture, shot, noise), time_s)
        truth = pa.Table.from_pylist(rows, schema=truth_schema())
        with replacing(truth_file(folder, plan.name)) as part:
            pq.write_table(truth, part)
    portrait = portrait_file(folder, plan.people[0])
    if not portrait.exists():
        draw_portrait(roles[0].actor, portrait)
    return target


def truth_file(folder: Path, name: str) -> Path:
    """Where the truth of one video lies until all are filmed."""
    return folder / "truth" / f"{Path(name).stem}.parquet"


def truth_schema() -> pa.Schema:
    """Columns of truth.parquet."""
    units = [pa.field(f"AU{unit}", pa.float32()) for unit in UNITS]
    sides = [pa.field(f"AU{unit}_{s}", pa.float32()) for unit in UNITS for s in ("left", "right")]
    return pa.schema(
        [
            pa.field("video", pa.string()),
            pa.field("frame", pa.int32()),
            pa.field("time_s", pa.float64()),
            pa.field("person", pa.string()),
            *(pa.field(name, pa.float32()) for name in ("x0", "y0", "x1", "y1")),
            *units,
            pa.field("valence", pa.float32()),
            pa.field("arousal", pa.float32()),
            pa.field("expression", pa.string()),
            *(pa.field(f"{name}_deg", pa.float32()) for name in ("yaw", "pitch", "roll")),
            pa.field("occluded", pa.bool_()),
            *sides,
        ]
    )


def _cast(plan: Plan, shot: Shot, source: np.random.Generator) -> list[_Role]:
    two = len(plan.people) > 1
    roles = []
    for i, number in enumerate(plan.people):
        actor = actor_of(plan.seed, number)
        size = float(source.uniform(0.26, 0.40) if two else source.uniform(0.34, 0.72))
        scale = size * shot.height / HEAD_CM
        middle = (0.3 + 0.4 * i if two else 0.5) + float(source.normal(0, 0.03 if two else 0.07))
        height = float(source.uniform(0.42, 0.5))
        leave = None
        if shot.leaves and i == 0:
            away = float(source.uniform(0.5, plan.seconds - 2.0))
            leave = (away, away + float(source.uniform(0.8, 1.8)))
        performance = perform(plan.seconds, shot.fps, source, UNITS)
        roles.append(
            _Role(
                number,
                actor,
                performance,
                (middle * shot.width, height * shot.height),
                scale,
                leave,
            )
        )
    return roles


def _draw_role(
    picture: NDArray[np.float32], role: _Role, shot: Shot, frame: int, time_s: float, name: str
) -> dict[str, Any]:
    """Draw a person into the picture; returns their row of truth."""
    act = role.performance
    moment = Moment(
        act.intensity(frame),
        float(act.yaw[frame]),
        float(act.pitch[frame]),
        float(act.roll[frame]),
        (float(act.gaze[frame, 0]), float(act.gaze[frame, 1])),
    )
    x = role.centre[0] + act.shift[frame, 0] * HEAD_CM * role.scale
    y = role.centre[1] - act.shift[frame, 1] * HEAD_CM * role.scale
    if role.leave is not None:
        gone = np.clip((time_s - role.leave[0]) / 0.5, 0, 1) - np.clip(
            (time_s - role.leave[1]) / 0.5, 0, 1
        )
        x += gone * gone * (3 - 2 * gone) * (shot.width * 0.75 + 14 * role.scale)
    view = View(shot.width, shot.height, (float(x), float(y)), role.scale)
    points, _ = role.actor.place(moment)
    box = _face_box(role.actor, points, view)
    _composite(picture, role.actor, moment, view, shot)
    covered = _cover(picture, role, shot, time_s, view, box)
    inside = box[2] > 0 and box[3] > 0 and box[0] < shot.width and box[1] < shot.height
    shown = act.displayed()
    row: dict[str, Any] = {
        "video": name,
        "frame": frame,
        "time_s": time_s,
        "person": f"actor{role.number:03d}",
        "valence": float(act.valence[frame]),
        "arousal": float(act.arousal[frame]),
        "expression": act.expression[frame],
        "yaw_deg": moment.yaw,
        "pitch_deg": moment.pitch,
        "roll_deg": moment.roll,
        "occluded": bool(covered or not inside),
    }
    row |= {f"AU{unit}": float(shown[unit][frame]) for unit in UNITS}
    row |= {f"AU{unit}_left": float(act.left[unit][frame]) for unit in UNITS}
    row |= {f"AU{unit}_right": float(act.right[unit][frame]) for unit in UNITS}
    corners = dict(zip(("x0", "y0", "x1", "y1"), map(float, box), strict=True))
    return row | (corners if inside else dict.fromkeys(corners))


def _face_box(actor: Actor, points: NDArray[np.float32], view: View) -> NDArray[np.float32]:
    """Box of the face, forehead to chin, in pixels; it may reach beyond the picture."""
    screen = actor.project(points[actor.face], view)
    return np.concatenate([screen[:, :2].min(0), screen[:, :2].max(0)])


def _composite(
    picture: NDArray[np.float32], actor: Actor, moment: Moment, view: View, shot: Shot
) -> None:
    """Draw the actor into the part of the picture that they can reach."""
    reach = 29 * view.scale
    x0, x1 = (
        int(np.clip(v, 0, view.width)) for v in (view.centre[0] - reach, view.centre[0] + reach)
    )
    y0 = int(np.clip(view.centre[1] - 20 * view.scale, 0, view.height))
    if x1 - x0 < 2 or y0 > view.height - 2:
        return
    part = View(x1 - x0, view.height - y0, (view.centre[0] - x0, view.centre[1] - y0), view.scale)
    image, alpha = actor.draw(moment, part, shot.light)
    raster.lay_over(picture[y0 : y0 + image.shape[0], x0 : x0 + image.shape[1]], image, alpha)


def _cover(
    picture: NDArray[np.float32],
    role: _Role,
    shot: Shot,
    time_s: float,
    view: View,
    box: NDArray[np.float32],
) -> bool:
    """Put a hand or cup before the face; returns whether it covers any of the face's box."""
    cover = shot.cover
    if cover is None or not cover.start_s - 0.3 < time_s < cover.end_s + 0.3:
        return False
    near = np.clip((time_s - cover.start_s + 0.3) / 0.3, 0, 1) * np.clip(
        (cover.end_s + 0.3 - time_s) / 0.3, 0, 1
    )
    image, alpha = draw_cover(cover.kind, tuple(role.actor.person.skin), int(10 * view.scale))
    image = image * np.float32(shot.light.exposure)
    x = int(view.centre[0] + cover.right * 10 * view.scale - image.shape[1] / 2)
    rest = view.centre[1] + 26 * view.scale
    goal = view.centre[1] - cover.up * 9 * view.scale - 0.35 * image.shape[0]
    y = int(rest + (goal - rest) * near)
    y0, y1 = max(y, 0), min(y + image.shape[0], view.height)
    x0, x1 = max(x, 0), min(x + image.shape[1], view.width)
    if y0 >= y1 or x0 >= x1:
        return False
    part = np.s_[y0 - y : y1 - y, x0 - x : x1 - x]
    raster.lay_over(picture[y0:y1, x0:x1], image[part], alpha[part])
    left, top, right, bottom = (int(v) for v in box - np.array([x0, y0, x0, y0]))
    return bool(
        (alpha[part][max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] > 0.5).any()
    )


def _camera(
    picture: NDArray[np.float32], shot: Shot, noise: np.random.Generator
) -> NDArray[np.uint8]:
    """Take the picture: blur, sensor noise, response."""
    if shot.blur > 0.25:
        picture = gaussian_filter(picture, (shot.blur, shot.blur, 0))
    grain = noise.standard_normal(picture.shape[:2], dtype=np.float32)
    raster.add_grain(picture, grain, np.float32(shot.noise))
    pixels = to_srgb(picture)
    if shot.grey:
        red, green, blue = np.moveaxis(pixels.astype(np.float32), -1, 0)
        level = (0.299 * red + 0.587 * green + 0.114 * blue).astype(np.uint8)
        pixels = np.repeat(level[..., None], 3, 2)
    return pixels


def join_truth(folder: Path, plans: list[Plan]) -> pa.Table:
    """Write truth.parquet from the parts of all videos, in the order of the plan."""
    table = pa.concat_tables([pq.read_table(truth_file(folder, plan.name)) for plan in plans])
    with replacing(folder / "truth.parquet") as temporary:
        pq.write_table(table, temporary)
    return table


def missing(folder: Path, plans: list[Plan]) -> Iterator[Plan]:
    """Yield the videos that are not there whole, with their truth."""
    for plan in plans:
        if not (folder / plan.name).exists() or not truth_file(folder, plan.name).exists():
            yield plan
