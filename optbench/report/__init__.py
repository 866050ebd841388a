"""Tables and figures drawn from stored rows alone: no JAX, no statistics of their own."""
