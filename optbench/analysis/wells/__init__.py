"""Sharp or flat: in which of two wells runs are."""
