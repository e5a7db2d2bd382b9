"""Recognisers of affect: what they are, and what an image goes through before one. No torch."""
