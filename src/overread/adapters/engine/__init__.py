"""What runs the line: durable on one machine, or in memory for one command."""
