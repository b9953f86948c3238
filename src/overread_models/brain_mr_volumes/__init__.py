"""Volumes of named brain structures from a T1-weighted MR: a demonstration, as a plug-in."""

from __future__ import annotations

from overread.model.prediction import Plugin, Predictor
from overread_models.brain_mr_volumes.card import make_card
from overread_models.brain_mr_volumes.weights import find_missing


def plugin() -> Plugin:
    """The entry point `brain-mr-volumes`."""
    return Plugin(card=make_card(), load=_load, find_missing=find_missing)


def _load() -> Predictor:
    from overread_models.brain_mr_volumes.predict import (  # noqa: PLC0415 - loaded in the child process only
        VolumesPredictor,
    )

    return VolumesPredictor()
