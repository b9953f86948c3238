"""What is claimed: one frozen `Result`, and its encodings."""
