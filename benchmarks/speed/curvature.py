"""Top eigenvalue and trace of a Hessian: ours beside PyHessian and curvlinops in PyTorch, in one process.

Same weights, images and precision (float32), equal accuracy: a relative residual of 1e-3, a standard error of 2 %. Ours
starts with nothing compiled. PyTorch gets one thread or all cores, whichever makes one product faster.

Power iteration and Hutchinson's mean repeat one and the same product. How often they must is worked out from our
products: by an iteration that is watched, and from the variance of ``z'Hz``. ``TIMED`` of their products are timed.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from optbench import environment
from optbench.core.keys import generator
from optbench.core.objective import Objective
from optbench.environment import visible_cores
from optbench.errors import DataError
from optbench.measures.extreme_eigenvalues import eigenvalues
from optbench.measures.hessian import Hessian
from optbench.measures.traces import trace
from optbench.tasks import data, objective
from optbench.tasks.models.convolution import Convolution
from optbench.tasks.models.dense import Dense, Flatten, Relu
from optbench.tasks.models.layer import Layer
from optbench.tasks.models.network import Network, initialized
from optbench.tasks.models.pooling import MaxPool

RESIDUAL, ERROR = 1e-3, 0.02
#: Probes from which the variance of Hutchinson's mean is known.
PROBES = 32
#: Products of PyTorch's that are timed where many of one kind are needed.
TIMED = 8
#: Examples that PyTorch passes through together: the fastest of 100, 250, 500 and 2,000 for one vector and for eight.
TOGETHER, TOGETHER_BLOCK = 500, 250

NETWORKS: dict[str, tuple[Layer, ...]] = {
    "poolings": (
        Convolution("conv1", 6, 5, padding=2), MaxPool("pool1"), Relu("relu1"),
        Convolution("conv2", 16, 5), MaxPool("pool2"), Relu("relu2"),
        Flatten("flatten"), Dense("fc1", 66), Relu("relu3"), Dense("fc2", 10, gain=1.0),
    ),
    "strides": (
        Convolution("conv1", 8, 3, stride=2, padding=1), Relu("relu1"),
        Convolution("conv2", 16, 3, stride=2, padding=1), Relu("relu2"),
        Flatten("flatten"), Dense("fc1", 36), Relu("relu3"), Dense("fc2", 10, gain=1.0),
    ),
}  # fmt: skip


class Case(NamedTuple):
    """A trained network and its images."""

    name: str
    network: Network
    stats: Any
    x: np.ndarray
    y: np.ndarray
    images: str

    def objective(self) -> Objective:
        """Returns the loss."""
        return objective.objective_of(
            self.x, self.y, self.network, self.stats, penalty=0.0, dtype="float32", label=self.name
        )


def images(n: int) -> tuple[np.ndarray, np.ndarray, str]:
    """Returns images of 28 x 28 with their classes: MNIST's where it lies, else noise around ten means."""
    try:
        found = data.load("mnist")
    except DataError:
        rng = np.random.default_rng(0)
        y = rng.integers(0, 10, n).astype(np.int32)
        means = rng.random((10, 28, 28, 1), dtype=np.float32)
        return means[y] + rng.standard_normal((n, 28, 28, 1), dtype=np.float32) / 2, y, "synthetic"
    rows = np.random.default_rng(0).permutation(len(found.y) - found.n_test)[:n]
    return found.x[rows], found.y[rows], "MNIST"


def case(name: str, n: int, steps: int = 80) -> Case:
    """Returns a network after some steps of Adam (rate 2e-3) on all of its images."""
    network, stats = initialized(NETWORKS[name], (28, 28, 1), generator("speed of curvature", name))
    made = Case(name, jax.tree.map(np.asarray, network), jax.tree.map(np.asarray, stats), *images(n))
    loss, at = made.objective(), made.network
    mean = square = jax.tree.map(np.zeros_like, at)
    for t in range(1, steps + 1):
        grad = loss.value_and_grad(at)[1]
        mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, grad)
        square = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, square, grad)
        step = jax.tree.map(
            lambda m, s, t=t: 2e-3 * m / (1 - 0.9**t) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8), mean, square
        )
        at = jax.tree.map(lambda w, d: np.asarray(w - d, np.float32), at, step)
    return made._replace(network=at)


def _timed(call: Callable[[], Any]) -> tuple[Any, float, float]:
    """Returns what a call finds, its seconds, and the CPU seconds of the process."""
    begin, cpu = time.perf_counter(), time.process_time()
    found = call()
    return found, time.perf_counter() - begin, time.process_time() - cpu


class Torch:
    """The same network in PyTorch."""

    def __init__(self, of: Case) -> None:
        """Ports the weights and chooses the number of threads."""
        import torch
        from torch import nn

        relu, flatten, pool = nn.ReLU, nn.Flatten, lambda: nn.MaxPool2d(2)
        layers = {
            "poolings": lambda: [
                nn.Conv2d(1, 6, 5, padding=2), pool(), relu(), nn.Conv2d(6, 16, 5), pool(), relu(),
                flatten(), nn.Linear(400, 66), relu(), nn.Linear(66, 10),
            ],
            "strides": lambda: [
                nn.Conv2d(1, 8, 3, stride=2, padding=1), relu(), nn.Conv2d(8, 16, 3, stride=2, padding=1), relu(),
                flatten(), nn.Linear(784, 36), relu(), nn.Linear(36, 10),
            ],
        }[of.name]  # fmt: skip
        self.model = nn.Sequential(*layers())
        self.loss = nn.CrossEntropyLoss()
        self.params = list(self.model.parameters())
        with torch.no_grad():
            for own, ported in zip(self.params, self.ported(of.network), strict=True):
                own.copy_(ported)
        self.x, self.y = torch.tensor(of.x).permute(0, 3, 1, 2).contiguous(), torch.tensor(of.y).long()
        self.n = sum(p.numel() for p in self.params)
        seconds = {}
        for self.threads in (1, visible_cores()):
            torch.set_num_threads(self.threads)
            seconds[self.threads] = min(_timed(lambda: self.product(self.params))[1] for _ in range(2))
        self.threads = min(seconds, key=lambda threads: seconds[threads])
        torch.set_num_threads(self.threads)

    def ported(self, network: Network, dtype: str = "float32") -> list[Any]:
        """Returns a point of ours as PyTorch's list of tensors."""
        import torch

        found = []
        for arrays in network.params:
            for name in ("weight", "bias") if arrays else ():
                array = np.asarray(arrays[name], dtype)
                axes = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[array.ndim]
                found.append(torch.tensor(np.ascontiguousarray(array.transpose(axes))))
        return found

    def batches(self, size: int) -> list[tuple[Any, Any]]:
        """Returns the images in batches."""
        return list(zip(self.x.split(size), self.y.split(size), strict=True))

    def product(self, vector: list[Any], size: int = TOGETHER) -> list[Any]:
        """Returns the Hessian times a vector, by differentiating twice."""
        import torch

        sums = [torch.zeros_like(p) for p in self.params]
        for x, y in self.batches(size):
            slope = torch.autograd.grad(self.loss(self.model(x), y), self.params, create_graph=True)
            found = torch.autograd.grad(slope, self.params, grad_outputs=vector)
            sums = [s + len(y) * f / len(self.y) for s, f in zip(sums, found, strict=True)]
        return sums

    def residual(self, value: float, vector: list[Any]) -> float:
        """Returns ``|Hu - value u| / |value u|``, with PyTorch's product in float64."""
        model, x = self.model, self.x
        try:
            self.model, self.x = self.model.double(), self.x.double()
            u = [v.double() for v in vector]
            product = self.product(u)
            away = sum(float(((h - value * v) ** 2).sum()) for h, v in zip(product, u, strict=True))
            return (away / sum(float(((value * v) ** 2).sum()) for v in u)) ** 0.5
        finally:
            self.model, self.x = model.float(), x


def _cold(of: Case) -> Objective:
    """Returns the loss with nothing compiled."""
    jax.clear_caches()
    objective._loss.cache_clear()
    return of.objective()


def _ours(of: Case, call: Callable[[Objective], Any]) -> tuple[Any, float, float, float]:
    """Returns what ours finds, its seconds and CPU seconds from nothing compiled, and the seconds of a second call."""
    loss = _cold(of)
    found, seconds, cpu = _timed(lambda: call(loss))
    return found, seconds, cpu, seconds - _timed(lambda: call(loss))[1]


def _power_iterations(of: Case, most: int = 500) -> tuple[int, float]:
    """Returns after how many products power iteration has the residual, and that residual."""
    hessian = Hessian(of.objective(), of.network)
    v = generator("power iteration").standard_normal(hessian.n)
    count = 0
    residual = np.inf
    while residual > RESIDUAL and count < most:
        count += 1
        v /= np.linalg.norm(v)
        product = hessian.matvec(v)
        value = v @ product
        residual = float(np.linalg.norm(product - value * v) / abs(value))
        v = product
    return count, residual


def _curvlinops_top(torch_: Torch) -> tuple[float, list[Any], int]:
    """Returns the top eigenvalue, its vector and the products, by SciPy's eigsh on curvlinops' operator."""
    import torch
    from curvlinops import HessianLinearOperator
    from scipy.sparse.linalg import LinearOperator, eigsh

    hessian = HessianLinearOperator(torch_.model, torch_.loss, torch_.params, torch_.batches(TOGETHER)).to_scipy()
    count = 0

    def matvec(v: np.ndarray) -> np.ndarray:
        nonlocal count
        count += 1
        return hessian.matvec(v)

    operator = LinearOperator(hessian.shape, matvec=matvec, dtype=np.float32)
    values, vectors = eigsh(operator, k=1, which="LA", tol=RESIDUAL)
    parts = torch.tensor(vectors[:, 0]).split([p.numel() for p in torch_.params])
    return float(values[0]), [part.reshape(p.shape) for part, p in zip(parts, torch_.params, strict=True)], count


def _curvlinops_trace(torch_: Torch) -> float:
    """Takes Hutchinson's mean over ``TIMED`` probes."""
    from curvlinops import HessianLinearOperator, hutchinson_trace

    batches = torch_.batches(TOGETHER_BLOCK)
    operator = HessianLinearOperator(torch_.model, torch_.loss, torch_.params, batches, check_deterministic=False)
    return float(hutchinson_trace(operator, TIMED))


def compared(of: Case, rounds: int) -> list[dict[str, Any]]:
    """Measures all contestants on one network, in turn."""
    from pyhessian import hessian as pyhessian

    torch_ = Torch(of)
    several = [[v, c] for v, c in torch_.batches(TOGETHER)]
    n_power, power_residual = _power_iterations(of)
    plain = trace(of.objective(), of.network, PROBES)
    n_probes = int(np.ceil(PROBES * (plain.standard_error / (ERROR * abs(plain.estimate))) ** 2))
    rows: dict[tuple[str, str], dict[str, Any]] = {}

    def add(what: str, contestant: str, seconds: float, cpu: float, **facts: Any) -> None:
        row = rows.setdefault((what, contestant), {"seconds": [], "cpu_s": [], "compile_s": []} | facts)
        row["seconds"].append(seconds)
        row["cpu_s"].append(cpu)
        row["compile_s"].append(facts.get("compiled", 0.0))

    for _ in range(rounds):
        found, seconds, cpu, compiled = _ours(
            of, lambda loss: eigenvalues(loss, of.network, tol=RESIDUAL, vectors=True)
        )
        residual = torch_.residual(found.values[0], torch_.ported(found.vectors[0], "float64"))
        add("top eigenvalue", "ours", seconds, cpu, products=found.hvps, error=residual, compiled=compiled)
        (value, vector, count), seconds, cpu = _timed(lambda: _curvlinops_top(torch_))
        add("top eigenvalue", "curvlinops", seconds, cpu, products=count, error=torch_.residual(value, vector))
        theirs = pyhessian(torch_.model, torch_.loss, dataloader=several, cuda=False)
        _, seconds, cpu = _timed(lambda theirs=theirs: theirs.eigenvalues(maxIter=TIMED, tol=0.0))
        scale = n_power / TIMED
        add("top eigenvalue", "PyHessian", scale * seconds, scale * cpu, products=n_power, error=power_residual)

        found, seconds, cpu, compiled = _ours(
            of, lambda loss: trace(loss, of.network, 36, method="hutch++", relative_error=ERROR)
        )
        error = found.standard_error / abs(found.estimate)
        add("trace", "ours", seconds, cpu, products=found.hvps, error=error, compiled=compiled)
        _, seconds, cpu = _timed(lambda: _curvlinops_trace(torch_))
        scale = n_probes / TIMED
        add("trace", "curvlinops", scale * seconds, scale * cpu, products=n_probes, error=ERROR)
        _, seconds, cpu = _timed(lambda theirs=theirs: theirs.trace(maxIter=TIMED, tol=0.0))
        add("trace", "PyHessian", scale * seconds, scale * cpu, products=n_probes, error=ERROR)
    table = []
    for (what, contestant), row in rows.items():
        median = {name: float(np.median(row[name])) for name in ("seconds", "cpu_s", "compile_s")}
        first = rows[what, "ours"]
        table.append(
            {
                "what": what,
                "network": of.name,
                "contestant": contestant,
                "threads": visible_cores() if contestant == "ours" else torch_.threads,
                "products": row["products"],
                "error": row["error"],
                **median,
                "ratio": float(np.median(np.divide(row["seconds"], first["seconds"]))),
                "cpu_ratio": float(np.median(np.divide(row["cpu_s"], first["cpu_s"]))),
            }
        )
        print(table[-1], flush=True)
    return table


def cost(of: Case, rounds: int) -> list[dict[str, Any]]:
    """Measures products in gradients, in turn."""
    loss = of.objective()
    vectors = jax.tree.map(lambda leaf: np.stack([leaf] * 8), of.network)
    calls: dict[str, tuple[Callable[[], Any], int]] = {
        "gradient": (lambda: loss.value_and_grad(of.network), 1),
        "product": (lambda: loss.hvp(of.network, of.network), 1),
        "product, one of eight": (lambda: loss.hvps(of.network, vectors), 8),
    }
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
    for round_ in range(rounds + 1):
        for name, (call, n) in calls.items():
            _, seconds, cpu = _timed(call)
            if round_:
                taken[name].append((seconds / n, cpu / n))
    medians = {name: np.median(values, axis=0) for name, values in taken.items()}
    return [
        {
            "network": of.name,
            "what": name,
            "seconds": float(found[0]),
            "cpu_s": float(found[1]),
            "gradients": float(found[0] / medians["gradient"][0]),
            "gradients_cpu": float(found[1] / medians["gradient"][1]),
        }
        for name, found in medians.items()
    ]


def has_contestants() -> bool:
    """Returns whether PyTorch and both libraries are installed."""
    return all(importlib.util.find_spec(name) for name in ("torch", "curvlinops", "pyhessian"))


def memory(n: int) -> dict[str, Any]:
    """Returns what a product takes at its peak beside the images and the process, in this process."""
    made = case("poolings", n, steps=0)
    loss = made.objective()
    loss.hvp(made.network, made.network)
    environment.hand_back_memory()
    # The kernel forgets the largest size so far.
    Path("/proc/self/clear_refs").write_text("5")
    before = _resident_bytes("VmRSS")
    loss.hvp(made.network, made.network)
    temporary = loss._runs["hvp"].memory_analysis().temp_size_in_bytes  # type: ignore[attr-defined]
    return {
        "images": n,
        "before_mib": before / 2**20,
        "product_mib": (_resident_bytes("VmHWM") - before) / 2**20,
        "program_mib": temporary / 2**20,
    }


def _resident_bytes(name: str) -> int:
    """Returns what the kernel says of this process's memory: ``VmRSS`` now, ``VmHWM`` at most."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return 1024 * int(line.split()[1])


def measure(rounds: int, n: int = 2000) -> dict[str, list[dict[str, Any]]]:
    """Returns the rows of all tables by name."""
    found: dict[str, list[dict[str, Any]]] = {"curvature": [], "curvature-cost": [], "curvature-memory": []}
    for images_ in (2000, 20_000):
        said = subprocess.run([sys.executable, __file__, str(images_)], check=True, capture_output=True, text=True)
        found["curvature-memory"].append(json.loads(said.stdout.splitlines()[-1]))
        print(found["curvature-memory"][-1], flush=True)
    for name in NETWORKS:
        made = case(name, n)
        found["curvature-cost"] += cost(made, max(rounds, 3))
        print(found["curvature-cost"][-3:], flush=True)
        found["curvature"] += compared(made, rounds)
    for row in found["curvature"]:
        row["images"] = made.images
    return found


if __name__ == "__main__":
    print(json.dumps(memory(int(sys.argv[1]))))
