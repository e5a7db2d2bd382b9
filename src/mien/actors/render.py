"""One actor at one moment, as a picture with transparency."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mien.actors import raster, shading, skin
from mien.actors.action_units import SIDES, UNITS, FaceAction
from mien.actors.head import build_mesh
from mien.actors.identity import PATTERNS, Identity
from mien.actors.mesh import PIVOT
from mien.errors import InputError

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
SHADOW_SIDE = 224
ACTED = frozenset((unit, side) for unit in UNITS for side in SIDES)
_SHADOW_SPAN = 44.0  # cm of the scene that the shadow map covers


@dataclass(frozen=True)
class Light:
    """Directions point towards the light, in the camera's frame; colours are linear."""

    key: tuple[float, float, float] = (0.45, 0.55, 0.75)
    key_colour: tuple[float, float, float] = (1.05, 1.0, 0.93)
    fill: tuple[float, float, float] = (-0.7, 0.1, 0.6)
    fill_colour: tuple[float, float, float] = (0.22, 0.24, 0.28)
    sky: tuple[float, float, float] = (0.30, 0.32, 0.35)
    ground: tuple[float, float, float] = (0.16, 0.14, 0.13)
    exposure: float = 1.0

    def rows(self) -> NDArray[np.float32]:
        """Return directions, of unit length, and colours as `shading` takes them, (6, 3)."""
        bright = self.exposure
        key, fill = np.array(self.key_colour) * bright, np.array(self.fill_colour) * bright
        sky, ground = np.array(self.sky) * bright, np.array(self.ground) * bright
        lamps = (_unit(self.key), key, _unit(self.fill), fill, sky, ground)
        return np.array(lamps, np.float32)


@dataclass(frozen=True)
class Moment:
    """What an actor does in one frame. Angles in degrees; gaze: right and up, degrees.

    intensity: of (unit, "L" or "R", the actor's own left or right), 0 to 5. Raises InputError for a
    unit that actors do not have.
    """

    intensity: Mapping[tuple[int, str], float] = field(default_factory=dict)
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    gaze: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        for unit, side in self.intensity.keys() - ACTED:
            known = ", ".join(f"AU{number}" for number in UNITS)
            raise InputError(f"no actor moves AU{unit} {side}: there are {known}, sides L and R")


@dataclass(frozen=True)
class View:
    """Where the head is in the picture. centre: pixels of the point between the ears' level and
    the mouth; scale: pixels per centimetre at the head; distance: cm from the camera."""

    width: int
    height: int
    centre: tuple[float, float]
    scale: float
    distance: float = 70.0


def _unit(vector: tuple[float, float, float]) -> Array:
    v = np.asarray(vector, float)
    return v / np.linalg.norm(v)


def rotation(yaw: float, pitch: float, roll: float) -> Array:
    """Rotation of the head: yaw to the viewer's right, pitch up, roll to the viewer's right."""
    y, p, r = np.radians([yaw, -pitch, -roll])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


class Actor:
    """A person ready to be drawn: mesh, action fields and skin, made once.

    face: numbers of the vertices from forehead to chin.
    """

    def __init__(self, person: Identity) -> None:
        self.person = person
        self.mesh = build_mesh(person)
        self.action = FaceAction(person, self.mesh)
        self.skin = skin.paint(person)
        mesh = self.mesh
        self._triangles = np.ascontiguousarray(mesh.triangles, np.int32)
        self._casting = np.ascontiguousarray(mesh.casting, np.int32)
        self._material = np.ascontiguousarray(mesh.material, np.uint8)
        self._strand = mesh.strand.astype(np.float32)
        self._coords = mesh.coords.astype(np.float32)
        self._open = mesh.openness.astype(np.float32)
        self._turn = mesh.turn.astype(np.float32)
        _, y, z = mesh.vertices[: mesh.head].T
        self.face = np.flatnonzero((y > -11.5) & (y < 6.3) & (z > 0.5))
        dark, brown = np.array([0.02, 0.02, 0.025]), np.array([0.12, 0.06, 0.03])
        self._palette = np.array(
            [
                skin.to_linear(np.array(person.eye_colour)),
                skin.to_linear(np.array(person.hair_colour)),
                skin.to_linear(np.array(person.cloth_colour)),
                dark if person.seed % 2 else brown,
                skin.to_linear(np.array(person.trim_colour)),
                [list(PATTERNS).index(person.cloth_pattern), 0, 0],
            ],
            np.float32,
        )

    def place(self, moment: Moment) -> tuple[Floats, Array]:
        """Return vertices (V, 3) in the camera's frame, and the head's rotation."""
        points = self.action.vertices(moment.intensity)
        turn = rotation(moment.yaw, moment.pitch, moment.roll)
        return raster.turn_head(points, self._turn, turn, PIVOT), turn

    def draw(self, moment: Moment, view: View, light: Light) -> tuple[Floats, Floats]:
        """Draw the actor: linear colour premultiplied by alpha (H, W, 3), and alpha (H, W)."""
        points, turn = self.place(moment)
        screen = self.project(points, view, 2)
        seen, second, third, depth = raster.visibility(
            screen, self._triangles, self._material, self._strand, self._coords,
            2 * view.width, 2 * view.height,
        )  # fmt: skip
        lamp = light.rows()
        flat = _towards(points, lamp[shading.KEY])
        eye, lids, gaze = self._eyes(moment)
        scene = shading.Scene(
            camera=np.array([0, -3.0, view.distance], np.float32),
            lamp=lamp,
            shadow=raster.shadow_depth(flat, self._casting, SHADOW_SIDE),
            bias=0.45,
            eye=eye,
            lids=lids,
            gaze=gaze,
            palette=self._palette,
            to_head=np.concatenate([turn.T, PIVOT[None]]).astype(np.float32),
        )
        image = np.zeros((view.height, view.width, 3), np.float32)
        alpha = np.zeros((view.height, view.width), np.float32)
        surface = self._surface(points, flat, moment, view.scale)
        places, shares = shading.choose_samples(
            seen, second, third, depth, self._triangles, self._material, self._coords, eye, lids
        )
        shading.shade(places, shares, seen, second, third, surface, scene, image, alpha)
        return image, alpha

    def _surface(
        self, points: Floats, flat: Floats, moment: Moment, scale: float
    ) -> shading.Surface:
        level = skin.level_for(self.skin, scale)
        relief = np.empty((*level.folds.shape[1:], 3), np.float32)
        raster.fold_relief(
            level.folds,
            self.action.wrinkles(moment.intensity).astype(np.float32),
            level.fold_density,
            relief,
            int(-skin.LEFT * level.fold_density),
        )
        return shading.Surface(
            self._triangles,
            self._material,
            points,
            raster.vertex_normals(points, self._triangles),
            self._coords,
            self._open,
            self._strand,
            flat,
            level.surface,
            float(level.density),
            relief,
            float(level.fold_density),
            float(skin.LEFT),
            float(skin.TOP),
            0.22 + 0.2 * (1 - self.person.tone),
        )

    def project(self, points: Floats, view: View, factor: int = 1) -> Floats:
        """Project (V, 3) to x, y in pixels (of a picture `factor` times as large) and 1 / depth."""
        inverse = 1 / np.maximum(view.distance - points[:, 2], 1.0)
        size = view.scale * view.distance * factor * inverse
        out = np.empty((len(points), 3), np.float32)
        out[:, 0] = view.centre[0] * factor + points[:, 0] * size
        out[:, 1] = view.centre[1] * factor - (points[:, 1] + 3.0) * size
        out[:, 2] = inverse
        return out

    def _eyes(self, moment: Moment) -> tuple[NDArray[np.float32], ...]:
        person = self.person
        eye = np.array(
            [
                3.15 * person.eye_distance, -0.02, 6.62, 1.30, 1.52 * person.eye_size,
                0.05 + person.eye_tilt, 1.25 - 0.2 * person.male,
            ],
            np.float32,
        )  # fmt: skip
        lids = np.array(
            [
                (lid.upper, lid.lower)
                for lid in (self.action.lids(moment.intensity, s) for s in ("L", "R"))
            ],
            np.float32,
        )
        right, up = np.radians(moment.gaze)
        look = np.array([np.sin(right) * np.cos(up), np.sin(up), np.cos(right) * np.cos(up)])
        inward = np.array([0.045, 0.0, 0.0])  # eyes meet at arm's length
        gaze = np.stack([look - inward, look + inward])
        gaze /= np.linalg.norm(gaze, axis=1, keepdims=True)
        return eye, lids, gaze.astype(np.float32)


def _towards(points: Floats, key: Floats) -> Floats:
    """Texels of the shadow map, and height towards the light, of every point."""
    side = np.cross([0.0, 1.0, 0.0], key)
    side /= np.linalg.norm(side)
    axes = np.stack([side, np.cross(key, side), key])
    middle = np.array([0, -3.0, 0])
    scale = SHADOW_SIDE / _SHADOW_SPAN
    return raster.towards_light(points, axes, middle, scale, SHADOW_SIDE / 2)


def to_srgb(linear: Floats) -> NDArray[np.uint8]:
    """Linear light to sRGB bytes, with a shoulder instead of clipping."""
    return np.asarray(raster.developed(np.ascontiguousarray(linear, np.float32), _TONES))


def _tones() -> NDArray[np.uint8]:
    """The response of `to_srgb`, by the square root of light: `raster.TONES` steps to 2.0."""
    x = np.linspace(0, np.sqrt(2), raster.TONES) ** 2
    x = np.where(x < 0.6, x, 0.6 + 0.4 * (1 - np.exp(-(x - 0.6) / 0.4)))
    s = np.where(x <= 0.0031308, 12.92 * x, 1.055 * np.maximum(x, 1e-9) ** (1 / 2.4) - 0.055)
    return np.asarray(np.clip(s * 255 + 0.5, 0, 255), np.uint8)


_TONES = _tones()
