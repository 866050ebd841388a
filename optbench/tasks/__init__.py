"""Tasks of learning: data sets, and models that are trained on them."""
