"""What a reader sees first: rows projected from events, ranked by one policy. Read side only."""
