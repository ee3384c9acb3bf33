"""Brainsurgery Shell: operate on neural-network checkpoints with one-line commands."""

__version__ = "0.1.0"
