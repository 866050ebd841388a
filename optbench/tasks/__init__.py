"""Learning tasks: data, models and regularizers."""
