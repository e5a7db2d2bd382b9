"""Honest scores of a run, over a whole split."""
