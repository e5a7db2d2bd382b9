"""Figures and self-contained HTML from tables and JSON. No torch."""
