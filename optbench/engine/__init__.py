"""Few compiled programs for very many trajectories: what turns planned cells into facts."""
