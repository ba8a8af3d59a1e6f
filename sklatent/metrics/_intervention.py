"""Disentanglement judged by holding one factor of variation fixed."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_scalar

from sklatent._utils.options import check_options
from sklatent._utils.random import local_random_state
from sklatent.metrics._blocks import binary_exponent
from sklatent.metrics._factors import encode_factors, equal_width_bins, numeric_factors
from sklatent.metrics._validation import check_codes, is_constant, refuse_extreme

# Rows gathered at once; keeps batches of codes to some tens of megabytes.
_BLOCK_ROWS = 1 << 16


class _FixedFactorSampler:
    """Draws rows that share the value of a factor.

    The published metrics ask a generator for samples with one factor fixed. Here the samples are
    given, so they are drawn, with replacement, from the rows that share that factor's value.
    """

    def __init__(self, factors):
        self.order, self.start, self.size, self.rows = [], [], [], []
        for j, column in enumerate(factors.T):
            counts = np.bincount(column)
            starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
            rows = np.flatnonzero(counts[column] > 1)
            if len(rows) == 0:
                raise ValueError(
                    f"No two samples share a value of factor {j}, so it cannot be held fixed. Pass "
                    "more samples, or bin the factor."
                )
            self.order.append(np.argsort(column, kind="stable"))
            self.start.append(starts[column])
            self.size.append(counts[column])
            self.rows.append(rows)

    def anchors(self, factor, n_draws, rng):
        """Draw rows, uniformly among those whose value of the factor occurs more than once."""
        return rng.choice(self.rows[factor], size=n_draws)

    def companions(self, factor, anchors, n_companions, rng):
        """Draw rows that share the factor's value with each anchor; (n_anchors, n_companions)."""
        size = self.size[factor][anchors][:, None]
        place = (rng.random_sample((len(anchors), n_companions)) * size).astype(np.intp)
        return self.order[factor][self.start[factor][anchors][:, None] + place]


def _each_block(n_batches, batch_size):
    step = max(1, _BLOCK_ROWS // batch_size)
    for start in range(0, n_batches, step):
        yield slice(start, min(start + step, n_batches))


def _checked(codes, factors, n_train, n_eval, batch_size, factor_bins):
    codes = check_codes(codes)
    factors = encode_factors(factors, len(codes), min_factors=2, factor_bins=factor_bins)
    check_scalar(n_train, "n_train", (int, np.integer), min_val=1)
    check_scalar(n_eval, "n_eval", (int, np.integer), min_val=1)
    check_scalar(batch_size, "batch_size", (int, np.integer), min_val=2)
    return codes, factors


def _least_varying(codes, sampler, fixed, batch_size, rng):
    """Return the code of least variance in each batch, by batches' fixed factors."""
    least = np.empty(len(fixed), dtype=np.intp)
    for factor in np.unique(fixed):
        batches = np.flatnonzero(fixed == factor)
        for block in _each_block(len(batches), batch_size):
            anchors = sampler.anchors(factor, len(batches[block]), rng)
            rows = sampler.companions(factor, anchors, batch_size, rng)
            least[batches[block]] = codes[rows].var(axis=1, ddof=1).argmin(axis=1)
    return least


@check_options()
def factor_vae_score(
    codes,
    factors,
    *,
    n_train=10000,
    n_eval=5000,
    batch_size=64,
    pruning_threshold=0.05,
    factor_bins=None,
    random_state=None,
):
    """Score of a representation by the FactorVAE metric.

    In a batch in which one factor is fixed, the code of least variance, relative to its variance
    over all samples, votes for that factor. The score is the accuracy, on fresh batches, of
    the classifier that predicts for each code the factor it got most votes for. It is at most 1;
    guessing gives about 1 / n_factors. Larger is better.

    Parameters
    ----------
    codes : array-like of shape (n_samples, n_codes)
        Latents, such as posterior means.

    factors : array-like of shape (n_samples, n_factors)
        True factors of variation of the same samples, discrete values of any type.

    n_train : int, default=10000
        Number of batches for the votes.

    n_eval : int, default=5000
        Number of batches for the accuracy.

    batch_size : int, default=64
        Samples in a batch.

    pruning_threshold : float, default=0.05
        Codes of smaller standard deviation are left out, as collapsed to the prior.

    factor_bins : int, default=None
        Number of bins of equal width for factors that are continuous: numbers of which more than
        half are different, more than 50 with fewer than 20 samples each, or more than 200. None
        refuses them.

    random_state : int, RandomState instance or None, default=None
        Determines the batches.

    Returns
    -------
    score : float
        Accuracy on the evaluation batches; 0.0 if no code is left.

    Raises
    ------
    ValueError
        If there are fewer than two factors, one is constant or not discrete, or no two samples
        share a value of it.

    Notes
    -----
    Each batch is drawn, with replacement, from the given samples that share the fixed factor's
    value with a sample drawn at random; the published metric asks a generator for fresh ones. Where
    the factors are not independent in the samples, fixing one narrows the others too. Codes
    constant up to rounding are left out even at `pruning_threshold=0`, where 0/0 would otherwise
    win every vote.

    References
    ----------
    H. Kim, A. Mnih, "Disentangling by factorising", ICML 2018, section 4. F. Locatello et al.,
    "Challenging common assumptions in the unsupervised learning of disentangled representations",
    ICML 2019, for the number and size of batches and the pruning.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.metrics import factor_vae_score
    >>> factors = np.indices((4, 4, 4)).reshape(3, -1).T
    >>> factor_vae_score(factors.astype(float), factors, random_state=0)
    1.0
    """
    codes, factors = _checked(codes, factors, n_train, n_eval, batch_size, factor_bins)
    check_scalar(pruning_threshold, "pruning_threshold", (int, float), min_val=0)
    rng = local_random_state(random_state)
    sampler = _FixedFactorSampler(factors)
    exponent = binary_exponent(codes, axis=0)
    codes = np.ldexp(codes, -exponent)
    scale = codes.std(axis=0, ddof=1)
    with np.errstate(over="ignore"):
        active = (np.ldexp(scale, exponent) >= pruning_threshold) & ~is_constant(codes)
    if not active.any():
        return 0.0
    codes = codes[:, active] / scale[active]
    fixed = rng.randint(factors.shape[1], size=n_train + n_eval)
    least = _least_varying(codes, sampler, fixed, batch_size, rng)
    votes = np.zeros((factors.shape[1], codes.shape[1]))
    np.add.at(votes, (fixed[:n_train], least[:n_train]), 1)
    return float(np.mean(votes.argmax(axis=0)[least[n_train:]] == fixed[n_train:]))


def _mean_differences(codes, sampler, fixed, batch_size, rng):
    """Mean absolute difference of codes over pairs that share each batch's fixed factor."""
    differences = np.empty((len(fixed), codes.shape[1]))
    for factor in np.unique(fixed):
        batches = np.flatnonzero(fixed == factor)
        for block in _each_block(len(batches), batch_size):
            n_pairs = len(batches[block]) * batch_size
            first = sampler.anchors(factor, n_pairs, rng)
            second = sampler.companions(factor, first, 1, rng)[:, 0]
            gap = np.abs(codes[first] - codes[second])
            differences[batches[block]] = gap.reshape(-1, batch_size, gap.shape[1]).mean(axis=1)
    return differences


@check_options()
def beta_vae_score(
    codes,
    factors,
    *,
    n_train=10000,
    n_eval=5000,
    batch_size=64,
    factor_bins=None,
    random_state=None,
):
    """Score of a representation by the beta-VAE metric.

    A linear classifier is to say which factor the pairs of a batch have in common, given the mean
    absolute difference of their codes; the score is its accuracy on fresh batches. It is at most 1;
    guessing gives 1 / n_factors. Larger is better.

    Parameters
    ----------
    codes : array-like of shape (n_samples, n_codes)
        Latents, such as posterior means.

    factors : array-like of shape (n_samples, n_factors)
        True factors of variation of the same samples, discrete values of any type.

    n_train : int, default=10000
        Number of batches to train the classifier.

    n_eval : int, default=5000
        Number of batches for the accuracy.

    batch_size : int, default=64
        Pairs in a batch.

    factor_bins : int, default=None
        Number of bins of equal width for factors that are continuous: numbers of which more than
        half are different, more than 50 with fewer than 20 samples each, or more than 200. None
        refuses them.

    random_state : int, RandomState instance or None, default=None
        Determines the batches.

    Returns
    -------
    score : float
        Accuracy on the evaluation batches.

    Raises
    ------
    ValueError
        If there are fewer than two factors, one is constant or not discrete, no two samples
        share a value of it, or `n_train` is too small for each factor to be drawn.

    Notes
    -----
    Pairs are drawn, with replacement, from the given samples that share the fixed factor's value;
    the published metric asks a generator for fresh ones. The classifier is logistic regression with
    scikit-learn's default penalty, as in the public implementation, so the score depends on the
    scale of the codes.

    References
    ----------
    I. Higgins et al., "beta-VAE: learning basic visual concepts with a constrained variational
    framework", ICLR 2017, section 3. F. Locatello et al., "Challenging common assumptions in the
    unsupervised learning of disentangled representations", ICML 2019, for the settings.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.metrics import beta_vae_score
    >>> factors = np.indices((4, 4, 4)).reshape(3, -1).T
    >>> beta_vae_score(factors.astype(float), factors, n_train=300, n_eval=300, random_state=0)
    1.0
    """
    codes, factors = _checked(codes, factors, n_train, n_eval, batch_size, factor_bins)
    rng = local_random_state(random_state)
    sampler = _FixedFactorSampler(factors)
    fixed = rng.randint(factors.shape[1], size=n_train + n_eval)
    if len(np.unique(fixed[:n_train])) < factors.shape[1]:
        raise ValueError(
            f"n_train={n_train} batches are too few to draw each of {factors.shape[1]} factors."
        )
    refuse_extreme(codes, "beta_vae_score")
    differences = _mean_differences(codes, sampler, fixed, batch_size, rng)
    classifier = LogisticRegression(max_iter=1000)
    classifier.fit(differences[:n_train], fixed[:n_train])
    return float(classifier.score(differences[n_train:], fixed[n_train:]))


@check_options()
def interventional_robustness_score(codes, factors, *, diff_quantile=0.99, n_bins=None):
    """Interventional robustness score (IRS) of a representation.

    Each code's robustness to all factors but one: with that factor fixed at each of its values in
    turn, how far the code strays from its mean (the given quantile of absolute deviations, averaged
    over values), relative to its largest deviation from its overall mean; one minus that, for the
    best factor. The score is the average over codes, weighted by their largest deviations. It lies
    in [0, 1]; larger is better.

    Parameters
    ----------
    codes : array-like of shape (n_samples, n_codes)
        Latents, such as posterior means.

    factors : array-like of shape (n_samples, n_factors)
        True factors of variation of the same samples, discrete values of any type.

    diff_quantile : float, default=0.99
        Quantile of the deviations; 1.0 is the maximum, as in the paper.

    n_bins : int, default=None
        Number of bins of equal width over each factor's range, which holds for numbers only; None
        takes each value for itself. 20 is the public implementation, also of factors that are
        discrete: one of more than 20 values is coarsened, and its score is another.

    Returns
    -------
    score : float
        The score; 0.0 if every code is constant.

    Raises
    ------
    ValueError
        If a factor is constant or not discrete, or `diff_quantile` is not in (0, 1].

    Notes
    -----
    As in the public implementation. Codes constant up to rounding are left out there only if their
    variance is exactly zero, and divide by next to nothing otherwise; here they are left out in
    both cases. With few samples for each value, deviations within it are small whatever the code,
    so the score is inflated: use many more samples than values.

    References
    ----------
    R. Suter, D. Miladinovic, B. Schölkopf, S. Bauer, "Robustly disentangled causal mechanisms",
    ICML 2019, section 4.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.metrics import interventional_robustness_score
    >>> factors = np.indices((4, 4)).reshape(2, -1).T
    >>> interventional_robustness_score(factors.astype(float), factors)
    1.0
    """
    codes = check_codes(codes)
    if n_bins is not None:
        check_scalar(n_bins, "n_bins", (int, np.integer), min_val=2)
        factors = equal_width_bins(numeric_factors(factors, len(codes)), n_bins)
    factors = encode_factors(factors, len(codes))
    check_scalar(
        diff_quantile, "diff_quantile", (int, float), min_val=0, max_val=1,
        include_boundaries="right",
    )  # fmt: skip
    codes = codes[:, ~is_constant(codes)]
    if codes.shape[1] == 0:
        return 0.0
    # The score has no unit; sums of the largest floats would have no value.
    codes = np.ldexp(codes, -binary_exponent(codes))
    largest = np.abs(codes - codes.mean(axis=0)).max(axis=0)
    robustness = np.empty((codes.shape[1], factors.shape[1]))
    for j, column in enumerate(factors.T):
        order = np.argsort(column, kind="stable")
        groups = np.split(codes[order], np.cumsum(np.bincount(column))[:-1])
        deviations = [
            np.quantile(np.abs(group - group.mean(axis=0)), diff_quantile, axis=0)
            for group in groups
        ]
        robustness[:, j] = 1.0 - np.mean(deviations, axis=0) / largest
    # Values of very unequal frequency can push it slightly below zero.
    return float(np.average(np.clip(robustness.max(axis=1), 0.0, 1.0), weights=largest))
