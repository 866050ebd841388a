"""Tables of runs with arms: batch sizes compared at equal training loss and at the end of the runs."""
