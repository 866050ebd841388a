"""The 24 noiseless functions of BBOB on COCO's own instances, with gradients."""

from optbench.problems.bbob.gallagher import bbob_f21, bbob_f22
from optbench.problems.bbob.moderate import bbob_f06, bbob_f07, bbob_f08, bbob_f09
from optbench.problems.bbob.multimodal import bbob_f15, bbob_f16, bbob_f17, bbob_f18, bbob_f19
from optbench.problems.bbob.separable import bbob_f01, bbob_f02, bbob_f03, bbob_f04, bbob_f05
from optbench.problems.bbob.unimodal import bbob_f10, bbob_f11, bbob_f12, bbob_f13, bbob_f14
from optbench.problems.bbob.weak import bbob_f20, bbob_f23, bbob_f24

__all__ = [
    "bbob_f01",
    "bbob_f02",
    "bbob_f03",
    "bbob_f04",
    "bbob_f05",
    "bbob_f06",
    "bbob_f07",
    "bbob_f08",
    "bbob_f09",
    "bbob_f10",
    "bbob_f11",
    "bbob_f12",
    "bbob_f13",
    "bbob_f14",
    "bbob_f15",
    "bbob_f16",
    "bbob_f17",
    "bbob_f18",
    "bbob_f19",
    "bbob_f20",
    "bbob_f21",
    "bbob_f22",
    "bbob_f23",
    "bbob_f24",
]
