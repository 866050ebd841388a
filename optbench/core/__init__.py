"""What every shelf is written against: objectives, optimizers and random keys."""
