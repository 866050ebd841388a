"""What can be said of a point that a run has led to; each measure takes what was minimized and points of it."""
