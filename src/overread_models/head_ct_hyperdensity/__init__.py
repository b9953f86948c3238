"""Hyperdense regions in an unenhanced head CT: a demonstration, registered as a plug-in."""

from __future__ import annotations

from overread.model.prediction import Plugin, Predictor
from overread_models.head_ct_hyperdensity.card import make_card


def plugin() -> Plugin:
    """The entry point `head-ct-hyperdensity`."""
    return Plugin(card=make_card(), load=_load)


def _load() -> Predictor:
    from overread_models.head_ct_hyperdensity.predict import (  # noqa: PLC0415 - loaded in the child process only
        HyperdensityPredictor,
    )

    return HyperdensityPredictor()
