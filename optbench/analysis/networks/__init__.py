"""Training runs of networks, judged: selection on validation, accuracy, gap and ranking on test examples."""
