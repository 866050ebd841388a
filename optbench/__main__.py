"""``python -m optbench`` is the command ``optbench``."""

from __future__ import annotations

from optbench.cli import main

if __name__ == "__main__":
    main()
