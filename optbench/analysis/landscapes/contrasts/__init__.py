"""Claims that a suite names before its run, each judged by a paired difference."""
