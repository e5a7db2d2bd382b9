"""Metrics, in float64 on whole splits; NaN where there is nothing to measure. No torch."""
