"""Splits, and checks of what a store holds, before anybody trains on it."""
