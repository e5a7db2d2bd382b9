"""Find faces, follow people, cut crops. To add a detector or tracker: a file, and a line here."""

from collections.abc import Callable

from mien.faces.centerface import CenterFace
from mien.faces.detection import Detector, Tracker
from mien.faces.tracking import IouTracker, NearestCentreTracker

DETECTORS: dict[str, Callable[[], Detector]] = {
    "centerface": CenterFace,
}

TRACKERS: dict[str, Callable[[], Tracker]] = {
    "iou": IouTracker,
    "nearest-centre": NearestCentreTracker,
}
