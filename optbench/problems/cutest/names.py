"""The names of CUTEst's unconstrained problems and what is known of each, without JAX and without sif2jax.

``names.json`` is written by ``python -m optbench.problems.cutest.survey`` (needs the extra ``cutest``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from optbench.errors import UsageError, unknown_name

#: What stands before the name of a CUTEst problem, as ``module:`` before a user's own.
PREFIX = "cutest"
#: Problems of the same formula in our own shelves: the two are no independent evidence.
_TWINS = {
    "ARWHEAD": "arwhead",
    "BEALE": "beale",
    "CUBE": "cube",
    "FREUROTH": "freudenstein_roth",
    "JENSMP": "jennrich_sampson",
    "ROSENBR": "rosenbrock",
    "SROSENBR": "rosenbrock",
    "GENROSE": "rosenbrock",
    "WOODS": "wood",
}
#: Beginnings of the names of variants of one problem.
_VARIANTS = (
    *("CHNR", "CHWIRUT", "CURLY", "DEVGLA", "DIXMAAN", "DRCAV", "EIGEN", "ERRIN", "FLETCBV", "FMINS"),
    *("HEART", "HILBERT", "INDEF", "LANCZOS", "LSC", "LUKSAN1", "LUKSAN2", "MGH10", "MGH17", "MISRA1", "MSQRT"),
    *("PALMER", "RAT4", "SCURLY", "SPIN", "VESUVI", "WAYSEA", "YATP"),
)
PATH = Path(__file__).with_name("names.json")


@dataclass(frozen=True, slots=True)
class Row:
    """One problem of the list.

    Attributes:
        name: CUTEst's name, such as ``ROSENBR``.
        module: Module of sif2jax that has the class of this name.
        dim: Dimension when the user names none.
        size: Field of sif2jax's class that sets the dimension; empty where the dimension is fixed.
        per_size: The dimension is this many times ``size``.
        multiple: Every dimension is a multiple of this.
        minimum: Smallest dimension.
        f_star: Minimum, the same in every dimension; ``None`` where it is not known for certain.
        why: Why ``f_star`` is not known; empty where it is.
    """

    name: str
    module: str
    dim: int
    size: str
    per_size: int
    multiple: int
    minimum: int
    f_star: float | None
    why: str

    @property
    def family(self) -> str:
        """Name shared with the problems that are no independent evidence beside this one."""
        if self.name in _TWINS:
            return _TWINS[self.name]
        stem = next((stem for stem in _VARIANTS if self.name.startswith(stem)), self.name)
        return f"{PREFIX}:{stem}"

    @property
    def summary(self) -> str:
        """What ``optbench list cutest`` says of it."""
        dimension = f"dimension {self.dim}"
        if self.size:
            dimension = f"any dimension from {self.minimum}"
            if self.multiple > 1:
                dimension = f"multiples of {self.multiple} from {self.minimum}"
        return dimension + (f"; minimum {self.f_star:.10g}" if self.f_star is not None else f"; unranked: {self.why}")


@cache
def rows() -> dict[str, Row]:
    """Returns the list by name, in alphabetical order."""
    return {name: Row(name, **row) for name, row in json.loads(PATH.read_text(encoding="utf-8")).items()}


def row(name: str) -> Row:
    """Returns what is known of one problem.

    Args:
        name: CUTEst's name, without the prefix.

    Returns:
        Its line of the list.

    Raises:
        UsageError: sif2jax has no such unconstrained problem.

    Example:
        >>> row("ROSENBR").dim
        2
    """
    if name in rows():
        return rows()[name]
    if name.upper() in rows():
        raise UsageError(f"unknown CUTEst problem {name!r}; did you mean '{PREFIX}:{name.upper()}'?")
    message = unknown_name("CUTEst problem", name.upper(), rows())
    if "did you mean" not in message:
        message = f"unknown CUTEst problem {name!r}"
    raise UsageError(message + "; see: optbench list cutest")
