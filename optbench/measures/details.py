"""What a measure found besides its number, in the form that its row stores."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def details_of(found: Any, *, but: tuple[str, ...] = ("value",)) -> dict[str, Any]:
    """Returns the fields of a result, ready for JSON: a number that is not finite becomes ``None``.

    Args:
        found: A named tuple.
        but: Fields that are left out.

    Returns:
        The fields by name.
    """
    return {name: _ready(value) for name, value in found._asdict().items() if name not in but}


def _ready(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _ready(inner) for name, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
