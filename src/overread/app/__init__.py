"""The one place that chooses the real things: settings, wiring, command line."""
