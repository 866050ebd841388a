"""Each regularizer against a computation by hand, or the moments that its definition gives."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from optbench.tasks.losses import cross_entropy
from optbench.tasks.regularizers.augmentation import ALLOWED, crop, flip, shift
from optbench.tasks.regularizers.labels import one_hot, smooth
from optbench.tasks.regularizers.mixing import cutmix, drawn_weight, mixup
from optbench.tasks.regularizers.noise import on_inputs, on_weights
from optbench.tasks.regularizers.penalty import squared_norm

KEY = jax.random.key(7)


def images(n=6, height=5, width=4, channels=2):
    """Returns images whose every number is different, and none of it zero."""
    return jnp.arange(1.0, 1.0 + n * height * width * channels).reshape(n, height, width, channels)


def targets(n=6, classes=3):
    return one_hot(jnp.arange(n) % classes, classes)


class TestLabels:
    def test_smoothing_by_hand(self):
        smoothed = smooth(one_hot(jnp.array([0, 2]), 4), 0.4)
        np.testing.assert_allclose(smoothed, [[0.7, 0.1, 0.1, 0.1], [0.1, 0.1, 0.7, 0.1]], rtol=1e-6)

    def test_no_smoothing_changes_nothing(self):
        np.testing.assert_array_equal(smooth(targets(), 0.0), targets())

    def test_cross_entropy_by_hand(self):
        logits = jnp.log(jnp.array([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]]))
        soft = jnp.array([[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]])
        expected = (np.log(2.0) - 0.5 * (np.log(0.2) + np.log(0.7))) / 2
        np.testing.assert_allclose(cross_entropy(logits, soft), expected, rtol=1e-6)

    def test_cross_entropy_of_smoothed_targets_is_that_of_both(self):
        logits = jax.random.normal(KEY, (6, 3))
        uniform = jnp.full((6, 3), 1 / 3)
        both = 0.7 * cross_entropy(logits, targets()) + 0.3 * cross_entropy(logits, uniform)
        np.testing.assert_allclose(cross_entropy(logits, smooth(targets(), 0.3)), both, rtol=1e-6)

    def test_cross_entropy_does_not_overflow(self):
        assert float(cross_entropy(jnp.array([[1e4, -1e4]]), jnp.array([[1.0, 0.0]]))) == 0.0


class TestMixing:
    @pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
    def test_weights_have_the_moments_of_beta(self, alpha):
        draws = np.asarray(jax.vmap(lambda key: drawn_weight(key, alpha))(jax.random.split(KEY, 20_000)))
        law = stats.beta(alpha, alpha)
        assert abs(draws.mean() - 0.5) < 4 * law.std() / np.sqrt(len(draws))
        np.testing.assert_allclose(draws.var(), law.var(), rtol=0.04)

    @pytest.mark.parametrize("mix", [mixup, cutmix])
    def test_strength_zero_changes_nothing(self, mix):
        x, t = mix(KEY, images(), targets(), 0.0)
        np.testing.assert_array_equal(x, images())
        np.testing.assert_array_equal(t, targets())

    def test_mixup_gives_inputs_and_targets_the_same_weight_and_partner(self):
        x, t = images(), jnp.eye(6)  # a class for each example: targets tell partner and weight
        mixed, soft = mixup(KEY, x, t, 1.0)
        np.testing.assert_allclose(np.asarray(soft).sum(1), 1.0, rtol=1e-6)
        np.testing.assert_allclose(mixed, jnp.tensordot(soft, x, axes=1), rtol=1e-5)
        mixtures = np.asarray(soft)[np.asarray(soft).max(1) < 1.0]
        assert len(mixtures) > 1
        np.testing.assert_allclose(mixtures.max(1), mixtures.max(), rtol=1e-6)  # one weight a batch

    @pytest.mark.parametrize("shape", [(6, 9, 7, 2), (6, 40, 1)])
    def test_cutmix_weighs_targets_by_the_pixels_that_were_pasted(self, shape):
        n = shape[0]
        x = jnp.broadcast_to(jnp.arange(1.0, n + 1).reshape(-1, *(1,) * (len(shape) - 1)), shape)
        seen, made = set(), jax.jit(lambda key: cutmix(key, x, jnp.eye(n), 1.0))
        for key in jax.random.split(KEY, 40):
            mixed, soft = (np.asarray(part) for part in made(key))
            for i in range(n):
                own = np.mean(mixed[i] == i + 1)
                np.testing.assert_allclose(soft[i, i], own, atol=1e-6)
                np.testing.assert_allclose(soft[i].sum(), 1.0, rtol=1e-6)
                partner = np.setdiff1d(np.unique(mixed[i]), [i + 1])
                assert len(partner) <= 1
                seen.add(round(own, 3))
        assert len(seen) > 10

    def test_cutmix_pastes_one_box(self):
        x = jnp.broadcast_to(jnp.arange(1.0, 3.0).reshape(2, 1, 1, 1), (2, 12, 10, 1))
        made = jax.jit(lambda key: cutmix(key, x, jnp.eye(2), 1.0)[0])
        for key in jax.random.split(KEY, 30):
            pasted = np.asarray(made(key))[0, :, :, 0] != 1.0
            rows, columns = pasted.any(1), pasted.any(0)
            np.testing.assert_array_equal(pasted, rows[:, None] & columns[None, :])
            assert np.abs(np.diff(rows.astype(int))).sum() <= 2

    def test_cutmix_s_box_has_the_area_of_the_paper(self):
        """A box of side r, its center uniform, covers r - r^2/4 of an axis in the mean: the border cuts the rest."""
        keys = jax.random.split(KEY, 4_000)
        side, x = 40, jnp.broadcast_to(jnp.arange(2.0)[:, None, None, None], (2, 40, 40, 1))
        mixed, _ = jax.jit(jax.vmap(lambda key: cutmix(key, x, jnp.eye(2), 1.0)))(keys)
        weights = jax.vmap(lambda key: drawn_weight(jax.random.split(key, 3)[0], 1.0))(keys)
        covered, ratio = np.asarray(mixed)[:, 0].mean((1, 2, 3)), np.sqrt(1 - np.asarray(weights))
        swapped = covered > 0
        assert abs(swapped.mean() - 0.5) < 0.05  # of two examples half have themselves as partner
        ratio = np.floor(side * ratio[swapped]) / side
        difference = covered[swapped] - (ratio - ratio**2 / 4) ** 2
        assert abs(difference.mean()) < 4 * difference.std() / np.sqrt(len(difference)) + 1 / side**2

    def test_cutmix_refuses_vectors(self):
        with pytest.raises(ValueError, match=r"got shape \(6, 3\)"):
            cutmix(KEY, jnp.ones((6, 3)), targets(), 1.0)


class TestAugmentation:
    def test_shifts_are_whole_uniform_and_filled_with_zeros(self):
        n, most = 5_000, 2
        x = jnp.zeros((n, 7, 9, 1)).at[:, 3, 4, 0].set(1.0)
        moved = np.asarray(shift(KEY, x, most))
        _, rows, columns, _ = np.nonzero(moved)
        assert len(rows) == n  # one pixel each, none lost, none doubled
        for found, center in ((rows, 3), (columns, 4)):
            counts = np.bincount(found - center + most, minlength=2 * most + 1)
            assert len(counts) == 2 * most + 1
            assert stats.chisquare(counts).pvalue > 1e-4

    def test_what_is_shifted_out_does_not_come_back(self):
        moved = np.asarray(shift(KEY, images(200), 3))
        plain = np.asarray(images(200))
        for i in range(200):
            padded = np.pad(plain[i], ((3, 3), (3, 3), (0, 0)))
            assert any(np.array_equal(moved[i], padded[r : r + 5, c : c + 4]) for r in range(7) for c in range(7))

    def test_sequences_are_shifted_along_their_one_side(self):
        x = jnp.zeros((300, 40, 1)).at[:, 20, 0].set(1.0)
        _, at, _ = np.nonzero(np.asarray(shift(KEY, x, 4)))
        assert (at.min(), at.max()) == (16, 24)

    def test_flips_mirror_the_width_with_their_probability(self):
        x = images(4_000)
        flipped = np.asarray(flip(KEY, x, 0.3))
        mirrored = (flipped == np.asarray(x)[:, :, ::-1]).all((1, 2, 3))
        same = (flipped == np.asarray(x)).all((1, 2, 3))
        assert (mirrored ^ same).all()
        assert abs(mirrored.mean() - 0.3) < 4 * np.sqrt(0.21 / 4_000)

    def test_crop_of_a_linear_image_is_linear_with_the_window_s_slope(self):
        """Linear interpolation is exact on it: slope is the window's share, the range stays inside."""
        n, side = 2_000, 9
        ramp = jnp.broadcast_to(jnp.arange(float(side))[None, :, None, None], (n, side, side, 1))
        cropped = np.asarray(crop(KEY, ramp, 0.5))[..., 0]
        slopes = np.diff(cropped, axis=1)
        np.testing.assert_allclose(slopes, slopes[:, :1, :1] * np.ones_like(slopes), atol=1e-5)
        share = slopes[:, 0, 0]
        assert stats.kstest(share, stats.uniform(0.5, 0.5).cdf).pvalue > 1e-4
        assert cropped.min() >= 0
        assert cropped.max() <= side - 1 + 1e-5
        place = cropped[:, 0, 0] / ((side - 1) * (1 - share))
        assert stats.kstest(place, stats.uniform.cdf).pvalue > 1e-4

    @pytest.mark.parametrize(("change", "strength"), [(shift, 0), (flip, 0.0), (crop, 1.0)])
    def test_strength_zero_changes_nothing(self, change, strength):
        np.testing.assert_allclose(change(KEY, images(), strength), images(), rtol=1e-6)

    def test_no_digit_is_mirrored(self):
        assert {name for name, allowed in ALLOWED.items() if allowed.flip} == {"fashion-mnist", "cifar10"}


class TestNoise:
    def test_noise_on_inputs_has_its_deviation(self):
        noise = np.asarray(on_inputs(KEY, jnp.full((200, 20, 20, 1), 3.0), 0.5)) - 3.0
        assert abs(noise.mean()) < 4 * 0.5 / np.sqrt(noise.size)
        np.testing.assert_allclose(noise.std(), 0.5, rtol=0.01)

    def test_noise_on_weights_has_its_deviation_in_each_leaf_and_is_not_shared(self):
        params = {"a": jnp.ones((300, 100)), "b": jnp.ones((300, 100))}
        noisy = on_weights(KEY, params, 0.2)
        a, b = (np.asarray(noisy[name]) - 1.0 for name in "ab")
        np.testing.assert_allclose([a.std(), b.std()], 0.2, rtol=0.02)
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.03

    def test_input_noise_is_a_penalty_for_a_linear_model(self):
        """Bishop: the mean of (w(x + n) - y)^2 is (wx - y)^2 + sigma^2 |w|^2."""
        w, x, y, sigma = jnp.array([1.0, -2.0, 0.5]), jnp.ones((200_000, 3)), 0.25, 0.3
        noisy = jnp.mean((on_inputs(KEY, x, sigma) @ w - y) ** 2)
        np.testing.assert_allclose(noisy, (w.sum() - y) ** 2 + sigma**2 * jnp.sum(w**2), rtol=0.02)


WEIGHTS = {"conv": np.full((3, 3, 1, 2), 0.5), "dense": np.array([[1.0, -2.0]]), "bias": np.full(2, 9.0)}


class TestPenalty:
    def test_by_hand(self):
        np.testing.assert_allclose(squared_norm(WEIGHTS, 0.1), 0.05 * (18 * 0.25 + 5.0), rtol=1e-6)

    def test_gradient_is_alpha_times_the_weight_and_nothing_for_vectors(self):
        grad = jax.grad(squared_norm)(WEIGHTS, 0.1)
        np.testing.assert_allclose(grad["dense"], [[0.1, -0.2]], rtol=1e-6)
        np.testing.assert_array_equal(grad["bias"], 0.0)

    def test_sgd_with_it_is_sgd_with_decoupled_decay(self):
        w, lr, alpha = WEIGHTS["dense"], 0.3, 0.1
        coupled = w - lr * (jnp.ones_like(w) + jax.grad(squared_norm)(w, alpha))
        decoupled = w - lr * jnp.ones_like(w) - lr * alpha * w
        np.testing.assert_allclose(coupled, decoupled, rtol=1e-6)
