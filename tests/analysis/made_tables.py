"""Tables of an analysis whose content is known, without a model."""

import numpy as np
import pyarrow as pa

from mien.analysis.affect_table import AffectTable

CLASSES = ("neutral", "happiness", "sadness")


def made(seconds: float = 10.0, fps: float = 25.0, people: int = 1, video: str = "talk.mp4"):
    """Return a table of people who smile from 3 s to 6 s; the second frame shows nobody."""
    times = np.arange(round(seconds * fps)) / fps
    rows = []
    for frame, time_s in enumerate(times):
        if frame == 1:
            rows.append({"input": video, "frame": frame, "timestamp": time_s, "success": 0,
                         "confidence": 0.0, "status": "no face"})  # fmt: skip
            continue
        smiles = 3 <= time_s < 6
        for person in range(people):
            rows.append(
                {
                    "input": video, "frame": frame, "timestamp": time_s, "face_id": person,
                    "success": 1, "confidence": 0.9, "status": "face",
                    "x0": 10.0, "y0": 20.0, "x1": 110.0, "y1": 140.0,
                    "valence": 0.6 if smiles else 0.1, "arousal": 0.05 * time_s,
                    "AU06_p": 0.9 if smiles else 0.1, "AU06_c": int(smiles),
                    "AU12_p": 0.8 if smiles else 0.2, "AU12_c": int(smiles),
                    "AU06_r": 3.0 if smiles else 0.4, "AU12_r": 4.0 if smiles else 0.8,
                    "expression": "happiness" if smiles else "neutral",
                    "neutral": 0.1 if smiles else 0.8, "happiness": 0.8 if smiles else 0.1,
                    "sadness": 0.1,
                }
            )  # fmt: skip
    order = list(rows[0]) + [key for key in rows[-1] if key not in rows[0]]
    names = ["input", "frame", "timestamp", "face_id", "success", "confidence", "status"]
    names += [name for name in order if name not in names]
    return AffectTable(pa.table({name: [row.get(name) for row in rows] for name in names}))
