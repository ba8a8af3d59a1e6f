"""What a start in closed form needs to know of the rows."""

from copy import copy

import numpy as np
import torch

from sklatent._utils.sparse import dense
from sklatent.likelihoods._bound import optional
from sklatent.models._covariates import center_and_scale
from sklatent.models._principal_axes import axes_of, principal_axes

MAX_REGRESSION_ROWS = 4096
ROWS_PER_FEATURE = 12  # of fewer, networks learn rows by heart
# What a unit of the networks' input is, in deviations. Adam makes steps of one size in any unit, so
# that this is a rate. A narrow input makes the encoder quick, which gains bound where much is left
# to it and loses the space. Digits, two components (29 percent explained), at 1 and 2: bound 16.3
# and 14.5, where a start at random with ReLU has 15.7; R2 between seeds 0.982 and 0.989. With eight
# (67 percent) 2 in place of 3 costs labs that share anchors 0.006 of R2.
# What starts at anchors has its space and is slowest: digits 0 to 4 and 5 to 9, two components, rho
# 1, R2 on lab A's rows 0.983, and 0.971 if its input were narrow.
_WIDEST = 4.0
# Under other likelihoods it is slower still: digits in halves, Bernoulli, the start at anchors has
# an R2 of 0.988 (0.978 at 4), and digits 0 to 4 and 5 to 9, rho 0.1, one of 0.86 on lab B's rows
# (0.76), for 0.02 and 0.15 nats. Under the normal 8 in place of 4 costs 1.3 nats for 0.005.
_WIDEST_AT_ANCHORS = 8.0
_NARROWEST = 1.0
_LITTLE, _MUCH = 0.3, 0.8  # shares explained, at which it is narrowest and widest
# The more features, the farther a unit goes with one step of all its weights. MNIST, three
# components (24 percent): R2 0.92, 0.97 and 0.99 at 1, 2 and 3, bound 221, 222 and 223.
_NARROWEST_BY_FEATURES = 1 / 8  # times the root of their number
# What a unit of the decoder's network is, where outputs are in X's unit. A narrow output makes it
# slow, so that it follows the encoder and not its noise, the more so where that is quick.
_NARROWEST_OUTPUT = 1.0
# Where rows are few both are nearer to the widest: what trains for longer moves farther. And what
# they learn is the slower, down to this part. MNIST, 4,000 rows, a lagging variance
# (`nn/training/run.py`): bound 394 and R2 0.967 at 1, 397 and 0.971 at 0.6, 394 and 0.975 at 0.45.
_SLOWEST = 0.6


class StartData:
    """What starts need to know of the rows, each found when it is first asked for."""

    def __init__(self, likelihood, X, rows, n_components, told=None):
        self.likelihood, self.X, self.rows, self.told = likelihood, X, rows, told
        self.n_components, self.space_is_given = n_components, False
        self.n_rows = X.shape[0] if rows is None else len(rows)
        self._axes = self._effect = self._on_output = None
        self.seen = likelihood.observe(self._rows, X.shape[1])
        if told is not None:
            self.center, self.scale = center_and_scale(told, rows)

    def _rows(self, size, table=None):
        table = self.X if table is None else table
        for begin in range(0, self.n_rows, size):
            part = slice(begin, min(begin + size, self.n_rows))
            block = table[part] if self.rows is None else table[self.rows[part]]
            block = np.ascontiguousarray(dense(block), dtype=np.float64)
            yield block if block.flags.writeable else block.copy()  # torch warns of such memory

    def at(self, places):
        """Some of the rows themselves, and what they are told."""
        index = places if self.rows is None else self.rows[places]
        tables = (self.X, self.told)
        return tuple(None if t is None else np.array(dense(t[index]), np.float64) for t in tables)

    def blocks(self, size):
        """Rows as the encoder sees them, without what covariates explain, in float64."""
        if self.told is None:
            return map(self._as_seen, self._rows(size))
        return map(self.unexplained, self._rows(size), self._rows(size, self.told))

    def _as_seen(self, rows, standard=None):
        """Rows as the encoder sees them, as float64; with their standardised covariates, if any."""
        rows = torch.from_numpy(np.ascontiguousarray(rows, dtype=np.float64))
        seen = self.likelihood.encoder_input(rows)
        if standard is not None and self.multiplies is not None:
            effect = torch.from_numpy(standard @ self.multiplies.T)
            seen = self.likelihood.without_effect(rows, seen, effect)
        return seen.numpy()

    def unexplained(self, rows, told):
        """Rows as the encoder sees them, less what is linear in their covariates."""
        if self.told is None:
            return self._as_seen(rows)
        standard = self._standard(told)
        return self._as_seen(rows, standard) - standard @ self.effect.T

    def _standard(self, told):
        return np.nan_to_num((np.asarray(told, np.float64) - self.center) / self.scale, nan=0.0)

    @property
    def effect(self):
        """How what is seen changes with the standardised covariates, ``(n_features, n)``; or None.

        The least squares solution of smallest norm: one-hot columns are no independent ones.
        """
        if self._effect is None and self.told is not None:
            square, product, sums = 0.0, 0.0, 0.0
            for x, told in zip(
                self._rows(MAX_REGRESSION_ROWS),
                self._rows(MAX_REGRESSION_ROWS, self.told),
                strict=True,
            ):
                told = self._standard(told)
                seen = self._as_seen(x, told)
                square, product = square + told.T @ told, product + told.T @ seen
                sums = sums + np.concatenate([told.sum(axis=0), seen.sum(axis=0)])
            n_told = self.told.shape[1]
            told_sum, seen_sum = sums[:n_told], sums[n_told:]
            square = square - np.outer(told_sum, told_sum) / self.n_rows
            product = product - np.outer(told_sum, seen_sum) / self.n_rows
            self._effect = np.linalg.lstsq(square, product, rcond=1e-10)[0].T
        return self._effect

    @property
    def axes(self):
        """Principal axes of the rows."""
        if self._axes is None:
            n_features = self.X.shape[1]
            self._axes = principal_axes(self.blocks, self.n_rows, n_features, self.n_components)
        return self._axes

    @property
    def feature_variances(self):
        """Variance of each feature."""
        return self.axes.feature_variances

    @property
    def input_scale(self):
        """What the networks' inputs are divided by: one scale for all features.

        Where outputs are in X's unit, it is by what the start explains: the less that is, the more
        is left to the networks, which then have to be quick.
        """
        if self.likelihood.in_data_unit:
            return self._deviations(_WIDEST * self._narrow**self._enough / self._slower)
        wider = _WIDEST_AT_ANCHORS / _WIDEST if self.space_is_given else 1.0
        return self._deviations(_WIDEST * wider**self._enough)

    @property
    def output_scale(self):
        """What the decoder network's output is multiplied by; links have units of their own."""
        if not self.likelihood.in_data_unit:
            return 1.0
        narrow = self._narrow**0.25 * _NARROWEST_OUTPUT / _WIDEST
        return self._deviations(_WIDEST * narrow**self._enough * self._slower)

    @property
    def _narrow(self):
        """The part of the widest input that is right for so much explained, of so many features."""
        if self.space_is_given:
            return 1.0
        total = self.feature_variances.sum()
        # Axes that were found on other rows may vary more there.
        explained = min(1.0, self.axes.variances.sum() / total) if total > 0 else 1.0
        width = np.interp(explained, [_LITTLE, _MUCH], [_NARROWEST, _WIDEST])
        least = _NARROWEST_BY_FEATURES * np.sqrt(len(self.feature_variances))
        return float(min(max(width, least), _WIDEST)) / _WIDEST

    @property
    def _enough(self):
        """How near rows are to as many as networks need to learn more than rows by heart."""
        return min(1.0, self.n_rows / (ROWS_PER_FEATURE * len(self.feature_variances)))

    @property
    def _slower(self):
        return 1.0 if self.space_is_given else max(self._enough, _SLOWEST)

    def _deviations(self, number):
        return float(number * np.sqrt(self.feature_variances.mean())) or 1.0

    def for_a_given_space(self):
        """The same rows, for an encoder that is to hold a space and not to find one."""
        data = copy(self)
        data.space_is_given = True
        return data

    def with_axes_of(self, decomposition):
        """The same rows, with axes that were found before."""
        name = type(decomposition).__name__
        if self.told is not None:
            raise ValueError(
                f"init={name} knows nothing of covariates, whose effect is no part of the axes. "
                'Use init="pca".'
            )
        rows = next(self._rows(MAX_REGRESSION_ROWS))
        if not np.array_equal(np.where(np.isnan(rows), rows, self._as_seen(rows)), rows, True):
            kind = type(self.likelihood.likelihood).__name__
            raise ValueError(
                f"init={name} was fitted to X itself, but under likelihood={kind} the encoder sees "
                'other numbers. Use init="pca", or anchors.'
            )
        data = copy(self)
        data._axes = axes_of(decomposition, self.n_components, self.X.shape[1])
        return data

    def effect_on_output(self):
        """How the decoder's output changes with them, if the likelihood finds out by itself."""
        if self.told is None or self._on_output is not None:
            return self._on_output
        some = np.linspace(0, self.n_rows - 1, min(self.n_rows, MAX_REGRESSION_ROWS)).astype(int)
        rows, told = self.at(some)
        given = np.nan_to_num(rows, nan=0.0), self._standard(told)
        self._on_output = optional(self.likelihood.likelihood, "start_effect", None, *given)
        return self._on_output

    @property
    def multiplies(self):
        """Logarithm of what covariates multiply what is seen by, or None where they add to it."""
        return self.effect_on_output() if self.likelihood.multiplied else None
