"""Few compiled programs for very many trajectories on test functions."""
