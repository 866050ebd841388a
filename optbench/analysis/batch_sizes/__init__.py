"""Batch sizes compared: arms of an experiment, their runs at equal training loss, and paired differences."""
