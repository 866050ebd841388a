"""What executes suites, piece by piece."""
