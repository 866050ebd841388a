"""Figures for Python and the command line: of stored runs, and of paths that are computed when asked for.

It stands above both columns. ``report`` draws what it is given and never computes; a wanted path that is stored
nowhere is computed by the engine and handed over.
"""
