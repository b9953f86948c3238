"""Doors in that are not HTTP, and the arrival that all doors announce."""
