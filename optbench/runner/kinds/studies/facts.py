"""What the manifest says of a study: what tables need beside its rows."""

from __future__ import annotations

from typing import Any

from optbench.suite.studies.faults import parts_of
from optbench.suite.studies.plan import StudyGroup
from optbench.tasks.data import registry


def facts_of(group: StudyGroup) -> dict[str, Any]:
    """Returns what the manifest says of a study, ready for JSON.

    Args:
        group: The study.

    Returns:
        Every key of the study, its values filled in; ``factor`` as name and values; of networks the shape and the
        number of classes of its data, examples of the parts, the configurations that a grid stands for, whether each
        replicate has data of its own (``new_data``), and whether all are tested on the same examples (``shares_test``).
    """
    study = group.study
    found: dict[str, Any] = study.identity()
    name, values = study.varied
    found["factor"] = {"name": name, "values": list(values)} if name else None
    if not group.settings:
        return found
    data = registry.find(str(study.data))
    generated = data.origin is registry.Origin.GENERATED
    parts = parts_of(study, group.settings[-1].n_train)
    return found | {
        "label": group.settings[0].label,
        "shape": list(data.shape),
        "n_classes": data.n_classes,
        "n_train": parts.train,
        "n_validation": parts.validation,
        "n_test": parts.test,
        "new_data": generated,
        "shares_test": bool(data.n_test) and not generated,
        "configs": [
            {
                "hyper": dict(setting.hyper),
                "regularization": dict(setting.regularization),
                "batch_size": setting.batch_size,
                "epochs": setting.epochs,
            }
            for setting in (group.settings if study.grid else ())
        ],
    }
