"""The real things behind the ports; strangers to one another."""
