"""Find faces, follow people, cut crops. To add a detector or tracker: a file, and a line here."""

from collections.abc import Callable

from mien.faces.centerface import CenterFace, smallest_face
from mien.faces.detection import Detector, Tracker
from mien.faces.mtcnn import Mtcnn
from mien.faces.people import PeopleTracker
from mien.faces.tracking import IouTracker, NearestCentreTracker

DETECTORS: dict[str, Callable[..., Detector]] = {
    "centerface": CenterFace,
    "mtcnn": Mtcnn,
}
"""Every detector takes `min_face`, the size in pixels from which faces are looked for, or None,
and `threads`, 0 for one per core."""

__all__ = ["DETECTORS", "TRACKERS", "smallest_face"]

TRACKERS: dict[str, Callable[[], Tracker]] = {
    "people": PeopleTracker,
    "iou": IouTracker,
    "nearest-centre": NearestCentreTracker,
}
