"""Two builds of the engine side by side, each with all its records, on the twelve kernels of ``limit.c``.

    python benchmarks/speed/builds.py PATH_OF_THE_OTHER_CHECKOUT

Processes of both builds take turns; each works in one thread and is timed by the CPU seconds that it takes, so that
a machine with other work to do tells almost the same. Writes ``results/speed/builds.*``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RULES, FUNCTIONS, DIMS = ("sgd", "adam"), ("rosenbrock", "sphere", "rastrigin"), (2, 30)
#: The option of the processes that measure one build.
MEASURE = "--measure"


def measure(rounds: int) -> dict[str, float]:
    """Returns the CPU nanoseconds that a step of a lane takes in this process's build, by kernel."""
    import jax
    from ours import runner
    from workload import workload

    from optbench.engine.landscapes.execute import Engine
    from optbench.engine.landscapes.sharing import Pair

    jax.config.update("jax_enable_x64", True)
    taken = {}
    for dim in DIMS:
        works = [workload(rule, f, dim, lanes=512, steps=2000).at_one_rate() for rule in RULES for f in FUNCTIONS]
        engine = Engine(threads=1)
        engine.prepare([Pair(work.problem, work.rule) for work in works])
        for work in works:
            once, seconds = runner(engine, work), []
            for _ in range(rounds):
                begin = time.process_time()
                once()
                seconds.append(time.process_time() - begin)
            taken[f"{work.rule.name} {work.problem.name} {dim}"] = 1e9 * min(seconds) / work.run_steps
    return taken


def side_by_side(other: Path, turns: int, rounds: int) -> list[dict[str, Any]]:
    """Returns one row for each kernel: the least of all turns of each build, and their ratio."""
    found: dict[Path, list[dict[str, float]]] = {other: [], ROOT: []}
    for _ in range(turns):
        for build, results in found.items():
            paths = os.pathsep.join((str(build), str(Path(__file__).parent)))
            command = [sys.executable, __file__, MEASURE, "--rounds", str(rounds)]
            done = subprocess.run(
                command, env={**os.environ, "PYTHONPATH": paths}, check=True, capture_output=True, text=True
            )
            results.append(json.loads(done.stdout.splitlines()[-1]))
            print(f"{build.name}: {results[-1]}", flush=True)
    rows = []
    for kernel in found[ROOT][0]:
        before, now = (min(result[kernel] for result in found[build]) for build in (other, ROOT))
        rule, function, dim = kernel.split()
        row = {"rule": rule, "function": function, "dim": int(dim)}
        rows.append({**row, "other_ns": before, "ours_ns": now, "ratio": before / now})
    return rows


def main() -> None:
    """Measures one build, or both in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, nargs="?", help="checkout of the other build")
    parser.add_argument("--rounds", type=int, default=9, help="calls of a kernel in a process")
    parser.add_argument("--turns", type=int, default=3, help="processes of each build")
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "speed")
    parser.add_argument(MEASURE, action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.rounds)))
        return
    if options.other is None:
        parser.error("name the checkout of the other build")
    from report import write

    rows = side_by_side(options.other.resolve(), options.turns, options.rounds)
    for path in write(options.out, {"builds": rows}, vars(options)):
        print(path)


if __name__ == "__main__":
    main()
