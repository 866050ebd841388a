"""A table before it has a format, and the formats that it may have."""
