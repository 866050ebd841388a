"""What of a stored run is checked by its plan and its code: who it is, and whether its rows come out again."""

from __future__ import annotations

from optbench.runner.verifying.drawing import draw
from optbench.runner.verifying.identity import check_identity
from optbench.runner.verifying.planning import replanned
from optbench.runner.verifying.rerun import check_rerun
from optbench.runner.verifying.surroundings import go_where_it_was_made

__all__ = ["check_identity", "check_rerun", "draw", "go_where_it_was_made", "replanned"]
