"""A run: one training on disk, readable without the code that trained it."""
