"""CUTEst's unconstrained problems, from the package ``sif2jax``: made when named, never before.

``names`` is the list of them and needs neither JAX nor sif2jax; ``source`` imports one problem of
sif2jax; ``shelf`` makes a ``Landscape`` of it; ``minimum`` finds its minimizer; ``survey`` writes the list.
"""
