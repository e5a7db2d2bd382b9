"""Per-frame affect of any video, photograph or folder."""
