"""Experiments of the documents, and ours: one TOML file each, found by its name."""
