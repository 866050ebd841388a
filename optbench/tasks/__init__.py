"""Learning tasks: data that a model is trained on, and the models."""
