"""The documents' result tables, rerun on any store beside the figures they printed."""
