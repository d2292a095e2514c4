"""Saving and loading models, optimizers and whole training states."""

from __future__ import annotations

from .npz import load_npz, save_npz

__all__ = ["load_npz", "save_npz"]
