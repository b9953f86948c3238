"""Overread: AI findings, on the image, in the viewer that is already open."""

__version__ = "0.1.0"
