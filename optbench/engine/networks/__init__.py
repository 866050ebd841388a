"""Training runs of networks: one program for a task, a rule and a batch size, for any number of runs."""
