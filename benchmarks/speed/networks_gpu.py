"""Training of small networks on an accelerator: sixteen lanes of one program against PyTorch's eager loop.

    PYTHONPATH=. python3 benchmarks/speed/networks_gpu.py

LeNet on images of 28 x 28, Adam, four rates by four seeds, twenty passes over 2,048 examples, scores at log-spaced
points. Both have their data on the device and float32 products as they are (no TF32). PyTorch trains one run after
another; two of the sixteen are measured and scaled. Then: ways of convolution, precisions, whether a repetition has the
same bits, and whether a few steps agree with the CPU's. Rows go to ``networks_gpu.json`` in ``$OUT`` as they come.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# JAX and PyTorch share the device.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
# Compile seconds are those of a first run.
os.environ["OPTBENCH_CACHE"] = "off"

import jax
import networks
import numpy as np

from optbench import catalog
from optbench.engine import compile as compiling
from optbench.engine.networks import lane_programs, scoring
from optbench.engine.networks.fitting import Fit, Fitter, Lane
from optbench.engine.outcomes import Point
from optbench.records import curve_steps
from optbench.tasks.models.network import Network

RATES = (3e-4, 1e-3, 3e-3, 1e-2)
#: Runs that PyTorch makes of the sixteen.
TORCH_RUNS = 2
BEGIN = time.perf_counter()


class Report:
    """Rows as they come, and what time is left for more."""

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self.rows: list[dict[str, Any]] = []
        self.folder = Path(os.environ.get("OUT", "."))

    def add(self, **row: Any) -> None:
        """Prints a row and writes all of them."""
        self.rows.append(row)
        said = "  ".join(
            f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in row.items()
        )
        print(f"{time.perf_counter() - BEGIN:6.1f} s  {said}", flush=True)
        (self.folder / "networks_gpu.json").write_text(json.dumps(self.rows, indent=1), encoding="utf-8")

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Does something that may fail without ending the rest."""
        try:
            yield
        except Exception as error:  # a part that cannot run here is a row that says so
            self.add(what=name, failed=f"{type(error).__name__}: {str(error)[:300]}")

    @property
    def over(self) -> bool:
        """Whether no further part should begin."""
        return time.perf_counter() - BEGIN > self.limit_s


def ours(report: Report, given: argparse.Namespace, batch: int, convolution: str, dtype: str, products: str) -> float:
    """Measures the sixteen lanes from nothing compiled, then once more, and returns the cold seconds."""
    task = networks.random_task(given.side, given.examples)
    lanes = [Lane({"lr": lr}, seed) for lr in RATES for seed in range(4)]
    jax.clear_caches()
    scoring.forget()
    lane_programs.forget()
    compiling.PRODUCTS = products
    begin = time.perf_counter()
    fitter = Fitter(
        task, catalog.optimizer("adam"), batch_size=batch, dtype=dtype, lanes="side by side", convolution=convolution
    )
    first = fitter.fit(lanes, epochs=given.epochs)
    cold_s = time.perf_counter() - begin
    begin = time.perf_counter()
    again = fitter.fit(lanes, epochs=given.epochs)
    warm_s = time.perf_counter() - begin
    begin = time.perf_counter()
    fitter.fit(lanes, epochs=1)
    one_epoch_s = time.perf_counter() - begin
    compiling.PRODUCTS = "float32"
    trips = len(lanes) * given.epochs * (given.examples // batch)
    report.add(
        what="ours, 16 lanes",
        batch=batch,
        convolution=convolution,
        dtype=dtype if products == "float32" else products,
        cold_s=cold_s,
        compile_s=fitter.facts["compile_s"],
        warm_s=warm_s,
        one_epoch_s=one_epoch_s,
        examples_per_s=trips * batch / warm_s,
        same_bits=all(np.array_equal(judged(a), judged(b)) for a, b in zip(first, again, strict=True)),
        statuses="/".join(sorted({fit.status for fit in (*first, *again)})),
        final_loss=float(first[5].train.loss[-1]),
        device=fitter.facts["device_kind"],
    )
    return cold_s


def torch_s(report: Report, given: argparse.Namespace, batch: int) -> float:
    """Measures two of PyTorch's runs and returns the seconds of sixteen."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    task = networks.random_task(given.side, given.examples)
    order = np.concatenate([task.order(0, epoch, batch) for epoch in range(given.epochs)])
    networks.torch_loop(task, order[:10], device=device)()  # CUDA's own start does not count
    train = networks.torch_loop(task, order, points=curve_steps(len(order)), device=device)
    begin = time.perf_counter()
    for _ in range(TORCH_RUNS):
        train()
    seconds = (time.perf_counter() - begin) * 16 / TORCH_RUNS
    report.add(
        what=f"torch {torch.__version__} eager, {TORCH_RUNS} runs scaled to 16",
        batch=batch,
        seconds=seconds,
        examples_per_s=16 * len(order) * batch / seconds,
        device=device,
    )
    return seconds


def few_steps(given: argparse.Namespace, lanes: str, convolution: str | None, dtype: str) -> np.ndarray:
    """Returns the parameters of three lanes after ten steps of 32, and their start, (4, n)."""
    task = networks.random_task(given.side, 320)
    fitter = Fitter(task, catalog.optimizer("adam"), batch_size=32, lanes=lanes, convolution=convolution, dtype=dtype)
    fits = fitter.fit([Lane({"lr": 1e-3}, 0), Lane({"lr": 3e-3}, 0), Lane({"lr": 1e-2}, 0)], epochs=1, stop_early=False)
    network, _ = task.start(0)
    return np.stack([vector(network), *map(judged, fits)])


def judged(fit: Fit) -> np.ndarray:
    """Returns the parameters of a run at its judged point, as one vector."""
    return vector(fit.ends[Point.JUDGED].params)


def vector(network: Network) -> np.ndarray:
    """Returns the parameters of a network as one vector."""
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(network)])


def agreement(report: Report, given: argparse.Namespace) -> None:
    """Compares ten steps with those of the CPU, which another process makes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cpu.npy"
        command = [sys.executable, __file__, "--cpu-steps", str(path), "--side", str(given.side)]
        subprocess.run(command, env={**os.environ, "JAX_PLATFORMS": "cpu"}, check=True)
        expected = np.load(path)
    for convolution, dtype, products in (
        ("slices", "float32", "float32"),
        ("xla", "float32", "float32"),
        ("xla", "float32", "tensorfloat32"),
        ("xla", "bfloat16", "float32"),
    ):
        if report.over:
            return
        with report.part(f"agreement {convolution} {dtype} {products}"):
            compiling.PRODUCTS = products
            jax.clear_caches()
            scoring.forget()
            lane_programs.forget()
            found = few_steps(given, "side by side", convolution, dtype)
            compiling.PRODUCTS = "float32"
            off = np.linalg.norm(found[1:] - expected[1:], axis=1)
            moved = np.linalg.norm(expected[1:] - expected[0], axis=1)
            report.add(
                what="ten steps against the CPU",
                convolution=convolution,
                dtype=dtype if products == "float32" else products,
                off_of_params=float(np.max(off / np.linalg.norm(expected[1:], axis=1))),
                off_of_what_moved=float(np.max(off / moved)),
            )


def main() -> None:
    """Measures; the parts that matter most come first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=28)
    parser.add_argument("--examples", type=int, default=networks.EXAMPLES)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batches", default="32,256")
    parser.add_argument("--limit-s", type=float, default=200.0, help="no further part begins after this time")
    parser.add_argument("--cpu-steps", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.cpu_steps:
        np.save(given.cpu_steps, few_steps(given, "in threads", None, "float32"))
        return
    report = Report(given.limit_s)
    batches = [int(batch) for batch in given.batches.split(",")]
    report.add(what="machine", jax=jax.__version__, backend=jax.default_backend(), devices=len(jax.local_devices()))
    torch_of: dict[int, float] = {}
    cold: dict[tuple[int, str, str], float] = {}
    for batch in batches:
        with report.part("torch"):
            torch_of[batch] = torch_s(report, given, batch)
    plan = [(batch, way, "float32", "float32") for way in ("slices", "xla") for batch in batches]
    plan += [(batch, "xla", dtype, products) for dtype, products in (("bfloat16", "float32"),) for batch in batches]
    plan += [(batches[-1], "slices", "bfloat16", "float32"), (batches[-1], "xla", "float32", "tensorfloat32")]
    for place, (batch, way, dtype, products) in enumerate(plan):
        if place == 2 * len(batches):
            agreement(report, given)
        if report.over:
            report.add(what="left out for want of time", batch=batch, convolution=way, dtype=dtype, products=products)
            continue
        with report.part(f"ours {batch} {way} {dtype} {products}"):
            cold[batch, way, dtype if products == "float32" else products] = ours(
                report, given, batch, way, dtype, products
            )
    print("\nbatch  convolution  precision      cold s  torch s  times as fast")
    for (batch, way, precision), seconds in cold.items():
        if batch in torch_of:
            ratio = torch_of[batch] / seconds
            print(f"{batch:5d}  {way:11s}  {precision:13s}  {seconds:6.1f}  {torch_of[batch]:7.1f}  {ratio:.2f}")


if __name__ == "__main__":
    main()
