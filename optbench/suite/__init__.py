"""What to run: a suite file becomes a validated ``Suite``, which becomes a ``Plan`` of cells."""
