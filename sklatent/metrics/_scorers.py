"""Scorers of single models: `scorer(estimator, X, y=None)`, greater is better.

Each works on a model, on a Pipeline whose last step is the model, and in GridSearchCV and
cross_validate, which hand it the test fold only.
"""

import numpy as np
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.validation import _num_samples, check_scalar

from sklatent._utils.arrays import plain, to_numbers
from sklatent._utils.names import as_table_like
from sklatent._utils.options import check_options
from sklatent._utils.pipelines import last_step, reconstruct
from sklatent._utils.warn import warn_caller
from sklatent.metrics._blocks import row_blocks
from sklatent.metrics._posterior import active_components, polarized_regime
from sklatent.metrics._validation import check_codes


def latents(estimator, X):
    """Transform to a plain array, whatever container `set_output` asks for."""
    return np.asarray(estimator.transform(plain(X, "X")))


def model_and_inputs(estimator, X):
    """Return the model behind Pipelines and searches, and X as it reaches the model."""
    model, steps = last_step(estimator)
    X = plain(X, "X")
    for step in steps:
        X = step.transform(X)
    return model, X


def posteriors(estimator, X):
    """Encode X by the model at the end of a Pipeline, which has no `encode` of its own."""
    model, X = model_and_inputs(estimator, X)
    if not hasattr(model, "encode"):
        raise TypeError(
            f"This scorer needs posteriors, but {type(model).__name__} has no method `encode`."
        )
    return model.encode(X)


class Scorer:
    """Base of the scorers: callable, picklable, and saying how they were made."""

    def __repr__(self):
        options = ", ".join(
            f"{name}={value!r}" if np.ndim(value) == 0 else f"{name}=<array>"
            for name, value in vars(self).items()
            if value is not None
        )
        return f"{type(self).__name__.lstrip('_')}({options})"


@check_options(estimator=[HasMethods(["transform", "inverse_transform"])])
def reconstruction_scorer(estimator, X, y=None):
    """Negated mean squared error of reconstructing held-out samples from their latents.

    The mean over samples and features of (X - inverse_transform(transform(X)))^2, in the squared
    units of X, as it enters a Pipeline; with a minus sign, so that greater is better and zero best.

    Parameters
    ----------
    estimator : estimator
        Fitted model or Pipeline with `transform` and `inverse_transform`.

    X : array-like of shape (n_samples, n_features)
        Samples to score on.

    y : object, default=None
        Ignored.

    Returns
    -------
    score : float
        The negated error.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.decomposition import PCA
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklatent.metrics import reconstruction_scorer
    >>> X, _ = load_digits(return_X_y=True)
    >>> cross_val_score(PCA(10), X, scoring=reconstruction_scorer, cv=3).round(1)
    array([-5.2, -5.6, -5.3])
    """
    if not hasattr(X, "columns"):
        X = to_numbers(X, "X")
    total, count, n_samples = 0.0, 0, len(X)
    if n_samples == 0 or len(X.shape) < 2:
        raise ValueError(f"X must have shape (n_samples, n_features), got {X.shape}.")
    for rows in row_blocks(n_samples, X.shape[1]):
        block = getattr(X, "iloc", X)[rows] if n_samples > rows.stop - rows.start else X
        reconstruction = reconstruct(estimator, block)
        wanted = to_numbers(block, "X").astype(np.float64, copy=False)
        if reconstruction.shape != wanted.shape:
            raise ValueError(
                f"inverse_transform gave shape {reconstruction.shape} for X of shape "
                f"{wanted.shape}."
            )
        with np.errstate(over="ignore"):
            total += float(np.sum((wanted - reconstruction) ** 2))
        count += wanted.size
    if not np.isfinite(total):
        raise ValueError(
            "The reconstruction error is not a finite number: X holds values beyond 1e150, or the "
            "model has diverged."
        )
    return -total / count


@check_options(estimator=[HasMethods("score")])
def elbo_scorer(estimator, X, y=None):
    """Mean evidence lower bound of held-out samples.

    What the model's `score` gives: in nats per sample, at beta = 1 whatever beta trained. Greater
    is better. In a Pipeline it is the bound on the density of the last step's input. Alone, it
    favours rho = 0 in a search over a Rosetta VAE (see :func:`make_rosetta_scorer`).

    Parameters
    ----------
    estimator : estimator
        Fitted model or Pipeline.

    X : array-like of shape (n_samples, n_features)
        Samples to score on.

    y : object, default=None
        Ignored.

    Returns
    -------
    score : float
        The mean bound in nats.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.decomposition import FactorAnalysis
    >>> from sklatent.metrics import elbo_scorer
    >>> X, _ = load_iris(return_X_y=True)
    >>> model = FactorAnalysis(2).fit(X)
    >>> elbo_scorer(model, X)
    -2.61
    """
    return float(estimator.score(plain(X, "X")))


# Of the encoder's error on noisy inputs, as RosettaVAE itself has it: without, a decoder's error
# over hundreds of features, or a fold's bound, drowns what a map has moved.
_ENCODER_WEIGHT = 100.0


class _RosettaScorer(Scorer):
    def __init__(self, points, weight):
        self.points = points
        self.weight = weight

    def __call__(self, estimator, X, y=None):
        # Anchors live in the input space of the model itself, after any preprocessing.
        model, inputs = model_and_inputs(estimator, X)
        judges = getattr(self.points, "held_out", None)
        judges = self.points if judges is None else judges
        names = getattr(model, "feature_names_in_", None)
        if names is not None and hasattr(judges, "for_features"):
            judges = judges.for_features(names)
        encoded = np.asarray(model.transform(as_table_like(judges.X, inputs)))
        if encoded.shape != judges.Z.shape:
            raise ValueError(
                f"The anchors' latents have shape {judges.Z.shape}, but the model encodes the "
                f"anchors to shape {encoded.shape}: they are for another number of components."
            )
        distance = ((encoded - getattr(judges, "encoded", judges.Z)) ** 2).sum(axis=1)
        if getattr(judges, "inputs", "data") == "drawn" and hasattr(model, "_deviance"):
            decoded = as_table_like(judges.decoded, inputs)
            errors = model._deviance(decoded, judges.Z) + _ENCODER_WEIGHT * distance
        else:
            output = np.asarray(model.inverse_transform(judges.Z))
            errors = ((output - judges.X) ** 2).sum(axis=1) + distance
        return float(estimator.score(X)) - self.weight * float(errors.mean())


@check_options()
def make_rosetta_scorer(points, weight=1.0):
    """Make a scorer for choosing rho: held-out evidence lower bound minus the anchors' error.

    .. math:: ELBO - w \\frac{1}{R} \\sum_r (\\|x_r - m(z_r)\\|^2 + \\|z_r - \\mu(x_r)\\|^2)

    with the held-out bound in nats per sample, and the squared error both ways, as in equation 1,
    of the anchors that no model trained on, ``points.held_out``. Greater is better. Where the
    anchors' file has none, the anchors themselves judge, and a warning says so: a model that has
    memorised them then looks as good as one whose map holds.

    Where the held-out anchors' inputs were drawn, with noise (see
    :meth:`~sklatent.RosettaPoints.distill`), the error is what :class:`~sklatent.RosettaVAE` itself
    trains by: the likelihood's deviance of what the first model decodes, and 100 times the squared
    distance from where the first model encodes the noisy inputs.

    Parameters
    ----------
    points : RosettaPoints
        The anchors, in the input space of the model itself: its step's, in a Pipeline. Those of
        :meth:`~sklatent.RosettaPoints.distill` come with held-out ones.

    weight : float, default=1.0
        Weight w of the anchors' error. Zero is :func:`elbo_scorer`.

    Returns
    -------
    scorer : callable
        With the signature `scorer(estimator, X, y=None)`.

    Raises
    ------
    TypeError
        If `points` has no inputs and latents.

    ValueError
        If `weight` is negative.

    Warns
    -----
    UserWarning
        If `points` has no held-out anchors.

    Notes
    -----
    The paper does not say by what rho was chosen. The bound alone would always choose rho = 0,
    since anchoring can only cost; this criterion is ours.

    References
    ----------
    M. Martinez, J. Pearson, "Reproducible, incremental representation learning with Rosetta VAE",
    2022, equation 1 and appendix B.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.decomposition import PCA
    >>> from sklatent import RosettaPoints
    >>> from sklatent.metrics import make_rosetta_scorer
    >>> X, _ = load_iris(return_X_y=True)
    >>> model = PCA(2).fit(X)
    >>> points = RosettaPoints.distill(model, X, n_points=8, random_state=0)
    >>> len(points.held_out)
    2
    >>> scorer = make_rosetta_scorer(points)
    >>> bool(scorer(model, X) < model.score(X))
    True
    """
    if not (hasattr(points, "X") and hasattr(points, "Z")):
        raise TypeError(f"points must be RosettaPoints, got {type(points).__name__}.")
    check_scalar(weight, "weight", (int, float), min_val=0)
    if getattr(points, "held_out", None) is None:
        warn_caller(
            "These anchors have no held-out ones, so that models will be judged by the anchors "
            "that they train on, which favours those that memorise them. Distil anchors with "
            "held_out=0.25."
        )
    return _RosettaScorer(points, weight)


class _ActiveComponentsScorer(Scorer):
    def __init__(self, threshold):
        self.threshold = threshold

    def __call__(self, estimator, X, y=None):
        return float(active_components(posteriors(estimator, X), threshold=self.threshold).sum())


@check_options()
def make_active_components_scorer(*, threshold=0.01):
    """Make a scorer that counts the model's active components.

    Greater is better: more components used. See :func:`active_components`.

    Parameters
    ----------
    threshold : float, default=0.01
        Variance of the posterior means above which a component is active.

    Returns
    -------
    scorer : callable
        With the signature `scorer(estimator, X, y=None)`, for models with `encode`.

    Examples
    --------
    >>> from sklatent.metrics import make_active_components_scorer
    >>> make_active_components_scorer()
    ActiveComponentsScorer(threshold=0.01)
    """
    check_scalar(threshold, "threshold", (int, float), min_val=0)
    return _ActiveComponentsScorer(threshold)


class _PolarizedRegimeScorer(Scorer):
    def __call__(self, estimator, X, y=None):
        posterior = posteriors(estimator, X)
        active = active_components(posterior)
        # Without any active component there is no regime; zero is where KL equals its error.
        return -float(polarized_regime(posterior)[active].mean()) if active.any() else 0.0


def make_polarized_regime_scorer():
    """Make a scorer of how clearly the model's active components are active.

    The mean over active components of :func:`polarized_regime`, negated: greater is further into
    the polarised regime, zero for a model without active components.

    Returns
    -------
    scorer : callable
        With the signature `scorer(estimator, X, y=None)`, for models with `encode`.

    Examples
    --------
    >>> from sklatent.metrics import make_polarized_regime_scorer
    >>> make_polarized_regime_scorer()
    PolarizedRegimeScorer()
    """
    return _PolarizedRegimeScorer()


def check_reference_rows(values, X_reference, name):
    """Check that values fixed beforehand have a row for each reference sample."""
    if X_reference is not None and _num_samples(X_reference) != _num_samples(values):
        raise ValueError(
            f"{name} and X_reference must have the same number of rows, got "
            f"{_num_samples(values)} and {_num_samples(X_reference)}."
        )


def targets(fixed, X_reference, X, y, name):
    """Return samples to judge by, and the target of each: the fixed ones, else X and y."""
    if fixed is None:
        if y is None:
            raise ValueError(
                f"Without {name} the scorer reads them from y, but y is None: pass y to fit, or "
                f"make the scorer with {name}."
            )
        return X, y
    if X_reference is not None:
        return X_reference, fixed
    if _num_samples(fixed) != _num_samples(X):
        raise ValueError(
            f"{name} has {_num_samples(fixed)} rows, but the scorer was called on "
            f"{_num_samples(X)} samples, such as "
            f"one fold of them. Pass {name} as y, which is split along with X, or make the scorer "
            "with the samples they belong to, X_reference."
        )
    return X, fixed


def check_reference_latents(Z_reference, X_reference):
    """Check fixed reference latents when the scorer is made, not in the middle of a search."""
    if Z_reference is not None:
        Z_reference = check_codes(Z_reference, "Z_reference")
        check_reference_rows(Z_reference, X_reference, "Z_reference")
    elif X_reference is not None:
        raise ValueError("X_reference needs the latents to compare with, Z_reference.")
    return Z_reference


class FactorScorer(Scorer):
    """A metric of codes and true factors as a scorer, with its options."""

    def __init__(self, metric, factors, X_reference, options, score=None):
        if factors is not None:
            check_reference_rows(factors, X_reference, "factors")
        elif X_reference is not None:
            raise ValueError("X_reference needs the factors of its samples, factors.")
        self.metric = metric
        self.factors = factors
        self.X_reference = X_reference
        self.options = options
        self.score = score

    def __call__(self, estimator, X, y=None):
        X, factors = targets(self.factors, self.X_reference, X, y, "factors")
        result = self.metric(latents(estimator, X), factors, **self.options)
        return result if self.score is None else result[self.score]

    def __repr__(self):
        return f"FactorScorer({self.metric.__name__}, options={self.options})"
