"""What the level of a noise says, how its draws continue, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from optbench import catalog
from optbench.errors import UsageError
from optbench.problems.gradient_flow import gradient_scale
from optbench.problems.noise import KINDS, Noise
from optbench.suite.landscapes.plan import plan
from optbench.suite.parse import parse
from tests.engine.test_noise import SEED, SUITE

DIM = 10


def squares(noise, problem, n=20_000):
    return (noise.amount(problem) * noise.draws((SEED, "test"), 0, n, problem.dim)) ** 2


@pytest.mark.parametrize("level", [0.1, 1.0, 10.0])
def test_the_size_of_the_noise_is_what_its_level_says(level):
    problem = catalog.problem("sphere", DIM, instance=1)
    scale = 2 * np.sqrt(1e-2 * problem.f_scale)
    assert gradient_scale(problem) == pytest.approx(scale, rel=1e-4)
    total = squares(Noise("gaussian", level), problem).sum(axis=1)
    assert total.mean() == pytest.approx((level * scale) ** 2, abs=4 * total.std() / np.sqrt(len(total)))
    medians = [np.sqrt(np.median(squares(Noise(kind, level), problem))) for kind in ("gaussian", "student")]
    # The relative error of the median of 2e5 draws is 0.3 %; matching another quantile would miss by 20 %.
    assert medians[1] == pytest.approx(medians[0], rel=0.015)
    tails = [np.quantile(squares(Noise(kind, level), problem), 0.999) for kind in ("gaussian", "student")]
    assert tails[1] > 20 * tails[0]
    grid = Noise("quantized", level).amount(problem)
    u = Noise("quantized", level).draws((SEED, "test"), 0, 20_000, DIM)
    g = grid * np.random.default_rng(0).uniform(-7, 7, (20_000, DIM))
    error = grid * np.floor(g / grid + u) - g
    assert np.abs(error.mean(axis=0)).max() < 4 * error.std() / np.sqrt(len(u))
    assert (error**2).sum(axis=1).mean() == pytest.approx((level * scale) ** 2, rel=0.02)


def test_a_drift_of_level_1_goes_a_tenth_of_the_box_in_1000_steps():
    problem, noise = catalog.problem("sphere", DIM, instance=1), Noise("drift", 1.0)
    walks = np.array([noise.draws((SEED, k), 0, 1001, DIM) for k in range(400)])
    assert not walks[:, 0].any()
    moved = (noise.amount(problem) * walks[:, 1000]) ** 2
    total = moved.sum(axis=1)
    assert total.mean() == pytest.approx(1.0, abs=4 * total.std() / np.sqrt(len(total)))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "delay" and not kind.startswith("batch")])
def test_later_draws_are_the_continuation_of_earlier_ones(kind):
    noise = Noise(kind, 1.0)
    whole = noise.draws((0, "a"), 0, 300, 3)
    assert np.array_equal(whole[:200], noise.draws((0, "a"), 0, 200, 3))
    assert np.array_equal(whole[200:], noise.draws((0, "a"), 200, 100, 3))
    assert not np.array_equal(whole, noise.draws((0, "b"), 0, 300, 3))


@pytest.mark.parametrize(
    ("noise", "message"),
    [
        ('{ kind = "batch", level = 8 }', "problems[0]: sphere: noise batch needs a finite sum, and it is none"),
        ('{ kind = "gaussian", level = 0.0 }', "problems[0].noise.level: must be greater than 0; got 0.0"),
        ('{ kind = "gaussian", level = inf }', "problems[0].noise.level: must be a finite number; got inf"),
        ('{ kind = "delay", level = 17 }', "noise delay: level must be a whole number from 1 to 16; got 17"),
        ('{ kind = "delay", level = 1.5 }', "noise delay: level must be a whole number from 1 to 16; got 1.5"),
        ('{ kind = "batch", level = 2.5 }', "noise batch: level must be a whole number of terms; got 2.5"),
        ('{ kind = "gausian", level = 1 }', "unknown noise 'gausian'; did you mean 'gaussian'?"),
        ('{ kind = "gaussian", size = 1, level = 1 }', "problems[0].noise: unknown key 'size'; known: kind, level"),
        ('{ kind = "gaussian" }', "problems[0].noise.level: is required"),
    ],
)
def test_faults_of_noise_are_told_one_each(noise, message):
    with pytest.raises(UsageError) as caught:
        parse(SUITE.format(noise=noise), source="s")
    assert len(caught.value.problems) == 1
    assert message in caught.value.problems[0]


def test_a_batch_has_no_more_terms_than_the_sum():
    text = SUITE.format(noise='{ kind = "batch", level = 257 }').replace('"sphere"', '"least_squares"')
    with pytest.raises(UsageError, match="a batch has at most 256 terms; got 257"):
        parse(text, source="s")


def test_cells_of_noise_seeds_have_ids_of_their_own():
    (group,) = plan(parse(SUITE.format(noise='{ kind = "gaussian", level = 1.0 }'), source="s")).groups
    assert len(set(group.cell_ids())) == len(group.cell_ids()) == group.n_cells == 3 * 3 * 3
    quiet = SUITE.format(noise="NONE").replace("noise = NONE\n", "").replace("noise_seeds = 3\n", "")
    (free,) = plan(parse(quiet, source="s")).groups
    assert (free.noise_seeds, free.n_cells) == (1, 9)
