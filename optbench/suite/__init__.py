"""What to run: a suite file becomes a validated ``SuiteSpec``, which becomes a ``Plan`` of cells."""
