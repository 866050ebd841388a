"""Measures the engine against what a user would pick instead, in one process; writes ``results/speed/``.

    python benchmarks/speed/run.py                    # all parts, about twelve minutes on two cores
    python benchmarks/speed/run.py --part throughput  # or: limit, compile, loops, lanes, networks,
                                                      # small-batches, curvature

``lanes`` measures the engine alone at 512, 8,192 and 65,536 lanes on whatever device JAX finds, so
the same command on a machine with a GPU gives the GPU's column.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import curvature
import jax
import networks
import numpy as np
import ours
import scans
from clock import geometric_mean, side_by_side
from compiling import compile_seconds
from limit import against_c
from loops import has_torch, optax_loop, torch_loop
from report import write
from small_batches import small_batches
from workload import DIMS, FUNCTIONS, RULES, Workload, reduce, reduce_by_search, workload

from optbench.records import curve_steps

Rows = list[dict[str, Any]]


def throughput(lanes: int, steps: int, rounds: int) -> Rows:
    """Measures every rule on every function and dimension against the plain scan."""
    rows: Rows = []
    for dim in DIMS:
        works = [workload(r, f, dim, lanes=lanes, steps=steps) for r in RULES for f in FUNCTIONS]
        engine = ours.prepared(works)
        for work in works:
            every, every_s = scans.compile_scan(work, trace_all=True)
            rate_only, rate_s = scans.compile_scan(work, trace_all=False)
            calls = {
                "ours": ours.runner(engine, work),
                "scan": scans.runner(every, work, reduce),
                "searched": scans.runner(every, work, reduce_by_search),
            }
            _check_equal(calls, work)
            seconds = side_by_side({**calls, "rate only": rate_only}, rounds=rounds)
            speed = {name: work.run_steps / s for name, s in seconds.items()}
            rows.append(
                {
                    "rule": work.rule.name,
                    "function": work.problem.name,
                    "dim": dim,
                    "ours_steps_per_s": speed["ours"],
                    "scan_steps_per_s": speed["scan"],
                    "ratio": speed["ours"] / speed["scan"],
                    "scan_searched_steps_per_s": speed["searched"],
                    "ratio_searched": speed["ours"] / speed["searched"],
                    "scan_rate_only_steps_per_s": speed["rate only"],
                    "ratio_rate_only": speed["ours"] / speed["rate only"],
                    "scan_compile_s": every_s,
                    "scan_rate_only_compile_s": rate_s,
                }
            )
            print(f"{dim:3d} {work.rule.name:9s} {work.problem.name:11s} ratio {rows[-1]['ratio']:.2f}", flush=True)
    return rows


def _check_equal(calls: dict[str, Any], work: Workload) -> None:
    """Stops unless both contestants did the same work, wherever their formulas are the same.

    Only the first 20 steps are compared: Adadelta and RMSprop amplify one rounding within hundreds.
    """
    kept = {name: call() for name, call in calls.items()}
    np.testing.assert_array_equal(kept["scan"].hits, kept["searched"].hits)
    assert kept["ours"].curve.shape == kept["scan"].curve.shape
    assert kept["ours"].hits.shape == kept["scan"].hits.shape
    if work.rule.name in ("nag", "adam"):
        return  # optax looks ahead in other variables, and adds eps outside the root
    first = len(curve_steps(20))
    np.testing.assert_allclose(kept["ours"].curve[:first], kept["scan"].curve[:first], rtol=1e-9)


def loops(lanes: int, steps: int, rounds: int) -> Rows:
    """Measures Adam on 2-D Rosenbrock against Python loops."""
    work = workload("adam", "rosenbrock", 2, lanes=lanes, steps=steps)
    engine = ours.prepared([work])
    few = 500
    slow = {
        "optax, jitted step in a Python loop, one lane": (optax_loop(work, batched=False), 1),
        "optax, jitted step in a Python loop, all lanes": (optax_loop(work, batched=True), lanes),
    }
    if has_torch():
        slow |= {
            "torch.optim in a Python loop, one lane": (torch_loop(work, batched=False), 1),
            "torch.optim in a Python loop, all lanes, one rate": (torch_loop(work, batched=True), lanes),
        }
    calls: dict[str, tuple[Callable[[], object], int]] = {
        "optbench engine, all lanes": (ours.runner(engine, work), work.run_steps),
        **{name: (partial(call, few), few * width) for name, (call, width) in slow.items()},
    }
    seconds = side_by_side({name: call for name, (call, _) in calls.items()}, rounds=rounds)
    speed = {name: calls[name][1] / s for name, s in seconds.items()}
    first = speed["optbench engine, all lanes"]
    return [{"contestant": name, "steps_per_s": v, "ours_over_it": first / v} for name, v in speed.items()]


def lanes_table(steps: int, rounds: int) -> Rows:
    """Measures the engine alone at several numbers of lanes on the present device."""
    rows: Rows = []
    for dim in DIMS:
        for lanes in (512, 8192, 65536):
            works = [workload(rule, "rosenbrock", dim, lanes=lanes, steps=steps) for rule in ("sgd", "adam")]
            engine = ours.prepared(works)
            for work in works:
                seconds = side_by_side({"ours": ours.runner(engine, work)}, rounds=rounds)["ours"]
                rows.append(
                    {
                        "rule": work.rule.name,
                        "function": "rosenbrock",
                        "dim": dim,
                        "lanes": lanes,
                        "platform": jax.default_backend(),
                        "device": jax.devices()[0].device_kind,
                        "steps_per_s": work.run_steps / seconds,
                    }
                )
                print(rows[-1], flush=True)
    return rows


def main() -> None:
    """Runs the parts that the command line names and writes their tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = (
        "throughput",
        "limit",
        "compile",
        "loops",
        "lanes",
        *(("networks", "small-batches") if has_torch() else ()),
        *(("curvature",) if curvature.has_contestants() else ()),
    )
    parser.add_argument("--part", choices=parts, action="append", help="measure only this; may be repeated")
    parser.add_argument("--out", type=Path, default=Path("results/speed"))
    parser.add_argument("--lanes", type=int, default=512)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    measured: dict[str, Rows] = {}
    for part in options.part or parts:
        print(f"--- {part}", flush=True)
        if part == "throughput":
            measured[part] = throughput(options.lanes, options.steps, options.rounds)
            for name in ("ratio", "ratio_searched", "ratio_rate_only"):
                mean = geometric_mean([row[name] for row in measured[part]])
                print(f"geometric mean of {name}: {mean:.2f}", flush=True)
        elif part == "limit":
            measured[part] = against_c(4 * options.lanes, options.steps, options.rounds)
            print(
                f"geometric mean of ratio: {geometric_mean([row['ratio'] for row in measured[part]]):.2f}", flush=True
            )
        elif part == "compile":
            measured[part] = compile_seconds()
        elif part == "loops":
            measured[part] = loops(options.lanes, options.steps, options.rounds)
        elif part == "networks":
            with jax.enable_x64(False):
                measured[part] = networks.one_run(options.rounds) + networks.sweep(3, 5) + networks.sweep(1, 30)
            for what in dict.fromkeys(row["what"] for row in measured[part]):
                mean = geometric_mean([row["ratio"] for row in measured[part] if row["what"] == what])
                print(f"geometric mean of ratio, {what}: {mean:.2f}", flush=True)
        elif part == "small-batches":
            with jax.enable_x64(False):
                measured[part] = small_batches(options.rounds)
        elif part == "curvature":
            with jax.enable_x64(False):
                measured |= curvature.measure(options.rounds)
        else:
            measured["lanes-" + jax.default_backend()] = lanes_table(options.steps, options.rounds)
    for path in write(options.out, measured, vars(options)):
        print(path)
    print(json.dumps({name: len(rows) for name, rows in measured.items()}))


if __name__ == "__main__":
    main()
