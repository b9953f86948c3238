"""How it leaves: takes a `Release` and nothing else. Owns the port Destination."""
