"""What can read a study: cards, registry, acceptance. Owns the port Runner."""
