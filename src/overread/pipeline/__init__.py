"""The line: fetch, run, measure, gate, encode, deliver. Owns the port Engine."""
