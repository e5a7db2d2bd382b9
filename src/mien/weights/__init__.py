"""Weights that come with mien, each folder with a card that says what they saw."""
