"""What arrived: studies, series, images, their pixels and where they lie. Owns the port Archive."""
