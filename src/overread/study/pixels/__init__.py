"""Pixels: decoding each transfer syntax, colour to RGB, grey values to the screen, HTJ2K out."""
