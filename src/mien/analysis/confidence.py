"""Confidence where it was calibrated, and none where it was not.

A share that a softmax gives is not how often it is right. A model's file may hold what was counted
on labelled faces (`recognition.provenance.Calibration`): then the table gets the columns
`expression_confidence` (of the largest share, counted on raters' votes) and `valence_confidence`,
`arousal_confidence` (of the distance from 0, counted on actors). Units have none: nobody rated
them.
"""

import numpy as np

from mien.analysis.affect_table import AffectTable
from mien.labels.table_columns import CLASS, CONFIDENCE
from mien.recognition.provenance import Provenance


def add_confidence(table: AffectTable, provenance: Provenance) -> AffectTable:
    """Add a column for each calibration; empty for faces too small or turned away."""
    columns = {}
    for name, calibration in provenance.calibrations.items():
        if name == CLASS and table.columns.classes:
            shares = table.stacked(table.columns.classes)
            strength = np.where(np.isnan(shares).any(1), np.nan, np.nan_to_num(shares).max(1))
        elif name in table.columns.axes:
            strength = np.abs(table.floats(name))
        else:
            continue
        strength[~table.readable] = np.nan
        columns[name + CONFIDENCE] = calibration(strength)
    return table.with_columns(columns)
