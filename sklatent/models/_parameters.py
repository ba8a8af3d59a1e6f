"""The parameters that every trained model shares: their constraints and their text.

Each model spells them out in its ``__init__``, as scikit-learn wants; what they mean is
written once, here, and put into each class's docstring by :func:`document`.
"""

from functools import partial
from itertools import pairwise
from numbers import Integral, Real
from os import PathLike
from types import FunctionType

import numpy as np
import torch
from sklearn.base import BaseEstimator, clone
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    InvalidParameterError,
    StrOptions,
)

from sklatent._utils.limits import LARGEST_RATE, require_room
from sklatent.rosetta import RosettaPoints

CONSTRAINTS = {
    "n_components": [Interval(Integral, 1, None, closed="left")],
    "architecture": [StrOptions({"mlp", "conv", "conv_tvae", "conv64", "residual"}), callable],
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions({"silu", "gelu", "tanh", "softplus", "relu"}), callable],
    "init": [StrOptions({"pca", "random"}), HasMethods("transform"), RosettaPoints],
    "image_shape": [tuple, list, None],
    "posterior": [StrOptions({"diagonal", "full"})],
    "likelihood": [
        StrOptions(
            {
                "gaussian",
                "unit_gaussian",
                "bernoulli",
                "poisson",
                "negative_binomial",
                "categorical",
            }
        ),
        HasMethods("log_prob"),
    ],
    "covariates": ["array-like", slice, str, Integral, None],
    "missing": [StrOptions({"error", "mask"})],
    "beta": [Interval(Real, 0, None, closed="left")],
    "warmup_epochs": [Interval(Integral, 0, None, closed="left")],
    "max_epochs": [Interval(Integral, 1, None, closed="left")],
    "batch_size": [Interval(Integral, 1, None, closed="left")],
    "learning_rate": [Interval(Real, 0, LARGEST_RATE, closed="neither")],
    "optimizer": [StrOptions({"adam", "adamw", "sgd", "rmsprop"}), callable],
    "early_stopping": ["boolean", StrOptions({"auto"})],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "patience": [Interval(Integral, 1, None, closed="left")],
    "annealing": [Interval(Real, 0, 1, closed="both")],
    "augmentation": [HasMethods("sample"), None],
    "callbacks": [list, None],
    "checkpoint_dir": [str, PathLike, None],
    "warm_start": ["boolean"],
    "precision": [StrOptions({"float32", "float64", "bf16"})],
    "device": [str, torch.device],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}

_TEXTS = {
    "n_components": """\
    n_components : int, default={n_components}
        Number of latent dimensions.
""",
    "architecture": """\
    architecture : {{"mlp", "conv", "conv_tvae", "conv64", "residual"}} or callable, default="mlp"
        Encoder and decoder networks, by name, or a factory
        ``(n_features, n_components, image_shape) -> (encoder, decoder)`` of two modules. The
        encoder returns features of any width, on which the model puts a linear head for the
        posterior; the decoder returns ``n_features`` means (logits for "bernoulli").
""",
    "hidden_layer_sizes": """\
    hidden_layer_sizes : tuple of int, default=(256, 256)
        Widths of the encoder's hidden layers for "mlp" and "residual"; the decoder mirrors them.
""",
    "activation": """\
    activation : {{"silu", "gelu", "tanh", "softplus", "relu"}} or callable, default="silu"
        What follows each layer of our networks but the last, or a factory of modules. The papers'
        is "relu", with which a rounding error becomes another network within some epochs.
""",
    "init": """\
    init : {{"pca", "random"}}, fitted model, PCA or RosettaPoints, default="{init}"
        Where training starts. "pca" runs a linear model beside the networks that starts at
        probabilistic PCA, with the networks at zero: models of all seeds begin, and stay, in the
        same coordinates. "random" has no linear model, as in the papers. A fitted model of the
        same shape gives its weights; anchors give the maps through them, both ways. A fitted PCA or
        IncrementalPCA gives axes of data that were seen before, such as all blocks of a stream.
""",
    "image_shape": """\
    image_shape : tuple of (channels, height, width), default=None
        Shape of one row of X as an image. The convolutional networks need it.
""",
    "posterior": """\
    posterior : {{"diagonal", "full"}}, default="diagonal"
        Covariance of the approximate posterior: diagonal, or full by its Cholesky factor.
""",
    "likelihood": """\
    likelihood : str or object, default="gaussian"
        Distribution of X around the decoder's output: "gaussian", normal with one learned
        variance, or "unit_gaussian", with variance 1 as in the papers; "bernoulli", for which X
        must lie in [0, 1]; "poisson" or "negative_binomial" for counts; "categorical" for one
        block of one-hot columns. Or an object of :mod:`sklatent.likelihoods`, such as
        ``Mixed([(columns, likelihood), ...])`` for tables of several kinds.
""",
    "covariates": """\
    covariates : int, str, slice or array-like of int, str or bool, default=None
        Columns of X, by name or position, that encoder and decoder are told and that are not
        modelled, such as batch, donor or dose: latents need not hold what those say. They are
        numbers; make one-hot columns of categories. A factory of networks is asked for as many more
        features and components, which lie behind the others.
""",
    "missing": """\
    missing : {{"error", "mask"}}, default="error"
        What NaN in X means: a mistake, or entries that are not known. "mask" leaves those out of
        the likelihood and shows the encoder each feature's mean in their place;
        ``inverse_transform(transform(X))`` is what the model makes of them.
""",
    "beta": """\
    beta : float, default={beta}
        Weight of the divergence from the prior; 1 is the evidence lower bound.
""",
    "warmup_epochs": """\
    warmup_epochs : int, default=0
        Epochs over which the weight of the divergence from the prior rises from 0, step by step.
        Epochs that a continued fit has behind it count. Validation losses have the whole weight,
        and `patience` begins when it is reached.
""",
    "max_epochs": """\
    max_epochs : int, default=100
        Passes over the training rows.
""",
    "batch_size": """\
    batch_size : int, default=128
        Rows in a batch, to a few percent: an epoch has as many batches as rows fill, of like
        size, and which rows are in which is drawn for the rows' names.
""",
    "learning_rate": """\
    learning_rate : float, default=1e-3
        Step size of the optimizer. In `VAE`, `RosettaVAE` and `TransformVAE` with "adam" or
        "adamw", a `beta` of 3 or less and a start at PCA the decoder's hidden layers make steps of
        four times that size ("mlp" under "bernoulli") or six times ("conv", "conv_tvae" and
        "conv64" under "bernoulli" and "gaussian").
""",
    "optimizer": """\
    optimizer : {{"adam", "adamw", "sgd", "rmsprop"}} or callable, default="adam"
        Optimizer, by name or as a class ``(parameters, lr) -> torch.optim.Optimizer``.
""",
    "early_stopping": """\
    early_stopping : bool or "auto", default="auto"
        Whether to hold out `validation_fraction` of the rows, to stop when their loss has not
        improved for `patience` epochs, and to return to the best weights, those at the start
        included. Which rows is drawn for their names and the same for every seed, so that two
        seeds start at the same axes. "auto" does so in `fit` where X has fewer than twelve rows
        for each feature: there networks soon learn the rows by heart. It holds out 20 rows at
        least (half of fewer than 40), and then trains anew on all rows for as many epochs as were
        best, over the last of which `annealing` slows it; `history_` is that of the first training.
        Where rows are held out, a variance that a normal likelihood learns takes seven steps of an
        epoch, or three in ten if those are more: it lags behind what is learned by heart.
""",
    "validation_fraction": """\
    validation_fraction : float, default=0.1
        Share of the rows held out by `early_stopping`.
""",
    "patience": """\
    patience : int, default=10
        Epochs without improvement before `early_stopping` ends training.
""",
    "annealing": """\
    annealing : float, default=0.25
        Share of `max_epochs`, or of the epochs that `early_stopping="auto"` found best, at the end
        of `fit`, over which the learning rate falls to zero, so that the last batches' noise does
        not stay in the coordinates; 0 keeps it.
""",
    "augmentation": """\
    augmentation : transformation, default=None
        Applied anew to each training batch, such as those in :mod:`sklatent.transformations`.
""",
    "callbacks": """\
    callbacks : list of skorch callbacks, default=None
        Cloned at fit. Those that monitor ``valid_*`` need ``early_stopping=True``.
""",
    "checkpoint_dir": """\
    checkpoint_dir : path-like, default=None
        Where an interrupted fit leaves its state after every epoch, to be resumed when the same
        model is fitted to the same data again. A finished fit removes it.
""",
    "warm_start": """\
    warm_start : bool, default=False
        Whether `fit` continues from the present weights instead of starting anew.
""",
    "precision": """\
    precision : {{"float32", "float64", "bf16"}}, default="float32"
        Arithmetic of training; "bf16" keeps float32 weights. Inference follows X's float type.
""",
    "device": """\
    device : str or torch.device, default="auto"
        Where to train and infer; "auto" is a GPU where there is one.
""",
    "random_state": """\
    random_state : int, RandomState instance or None, default=None
        Seeds weights, order of rows, noise and the validation split, without touching any
        global state. An int makes the fit reproducible to the bit on one machine and number
        of threads.
""",
    "verbose": """\
    verbose : int, default=0
        0 is silent; 1 shows one progress bar.
""",
}

_ATTRIBUTES = """\
    n_components_ : int
        Number of latent dimensions.
    n_features_in_ : int
        Number of features seen at fit, covariates included.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, when X had string column names.
    covariates_ : ndarray of shape (n_covariates,)
        Positions of the columns of X that are covariates.
    start_variances_ : ndarray of shape (n_axes,) or None
        Variance along each principal axis that training started from; None where it started
        elsewhere.
    start_gaps_ : ndarray of shape (n_axes,) or None
        Distance of each such variance to the nearest other, relative to itself. Below
        ``sqrt(2 / n_samples)`` an axis and its neighbour may turn into each other in other data.
    start_sign_stability_ : ndarray of shape (n_axes,) or None
        How far each axis's sign is from turning over: below 1 it may when a tenth of the rows is
        left out, below 2 with half of them.
    n_epochs_ : int
        Epochs trained so far.
    history_ : list of dict
        For each epoch, the loss (``train_loss``, and ``valid_loss`` with early stopping) and its
        weighted terms, in nats per row.
    net_ : skorch.NeuralNet
        The trained net; ``net_.module_`` is the torch module.
"""


# Kinds of values that can't change.
ATOMS = frozenset(
    {bool, int, float, str, type(None), np.bool_, np.int64, np.int32, np.float64, np.float32}
)


def copies(parameters):
    """Parameters for a model of its own: those that can change, cloned, as scikit-learn does.

    Parameters
    ----------
    parameters : dict
        Values by name.

    Returns
    -------
    dict
        The same of what can't change, into which scikit-learn looks for parameters of its own.
    """
    return {
        name: value if type(value) in ATOMS else clone(value, safe=False)
        for name, value in parameters.items()
    }


def check_numbers(model, parameters):
    """Check what scikit-learn's constraints let through: truth values as numbers, widths.

    Parameters
    ----------
    model : LatentModel
        Whose they are.
    parameters : dict
        Values by name.

    Raises
    ------
    InvalidParameterError
        A ValueError and a TypeError.
    """
    for name, value in parameters.items():
        kinds = model._parameter_constraints.get(name, [])
        takes_numbers = any(isinstance(kind, Interval) for kind in kinds)
        is_truth = isinstance(value, (bool, np.bool_))
        if takes_numbers and is_truth and "boolean" not in kinds:
            raise InvalidParameterError(f"{name}={value} must be a number, not a truth value.")
        if takes_numbers and isinstance(value, Integral) and abs(value) > np.finfo(float).max:
            raise InvalidParameterError(f"{name} is beyond the range of floating point.")
        if name.endswith("layer_sizes"):
            widths = value if np.ndim(value) else [value]
            if np.ndim(value) > 1 or not all(map(_is_width, widths)):
                raise InvalidParameterError(
                    f"{name}={value!r} must be positive integers, one for each hidden layer."
                )


def check_size(model, n_features):
    """Refuse networks that can't be in memory, before any of them is built.

    Raises
    ------
    ValueError
        If the weights alone are more than the machine's memory.
    """
    parameters = model.get_params(deep=False)
    n_weights = float(model.n_components)
    for name, value in parameters.items():
        own = name != "hidden_layer_sizes" or parameters.get("architecture") in ("mlp", "residual")
        if name.endswith("layer_sizes") and own:
            widths = [float(width) for width in np.atleast_1d(np.asarray(value, dtype=object))]
            first = float(n_features if name == "hidden_layer_sizes" else model.n_components)
            chain = [first, *widths, float(model.n_components)]
            n_weights += sum(a * b for a, b in pairwise(chain))
    # Beside each weight stand its gradient and Adam's two moments.
    n_weights *= 4.0 * parameters.get("n_estimators", 1)
    sizes = {n: v for n, v in parameters.items() if n.endswith(("layer_sizes", "n_components"))}
    if "n_estimators" in parameters:
        sizes["n_estimators"] = parameters["n_estimators"]
    require_room(n_weights, ", ".join(f"{name}={value}" for name, value in sizes.items()))


def _is_width(value):
    return isinstance(value, Integral) and not isinstance(value, (bool, np.bool_)) and value >= 1


def document(without=(), **defaults):
    """Fill the places for shared text in a model's docstring.

    ``{n_components}`` stands for that parameter alone, so that a model's own parameters can
    follow it; ``{shared parameters}`` for all the others; ``{shared attributes}`` likewise.

    Parameters
    ----------
    without : tuple of str, default=()
        Shared parameters that the class documents itself, or does not have.
    **defaults : dict
        Defaults that differ from the usual ones, such as ``beta=4.0``.

    Returns
    -------
    decorator : callable
        Takes and returns the class.
    """
    values = {"n_components": 10, "beta": 1.0, "init": "pca"} | defaults
    texts = {name: text.format(**values) for name, text in _TEXTS.items()}
    first = texts.pop("n_components")
    shared = "".join(text for name, text in texts.items() if name not in without)

    def decorate(cls):
        if cls.__doc__ is not None:  # None under python -OO
            cls.__doc__ = (
                cls.__doc__.replace("    {n_components}\n", first)
                .replace("    {shared parameters}\n", shared)
                .replace("    {shared attributes}\n", _ATTRIBUTES)
            )
        return cls

    return decorate


def renamed(function, name):
    """Copy a function under another qualified name."""
    copy = FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    copy.__kwdefaults__, copy.__doc__ = function.__kwdefaults__, function.__doc__
    copy.__qualname__ = name
    return copy


def same_parameters(model, other, but=()):
    """Whether two models have equal parameters, by content.

    Parameters
    ----------
    model, other : estimators
        Of one class.
    but : collection of str, default=()
        Parameters that may differ.

    Returns
    -------
    bool
        Whether all others are equal.
    """
    a, b = model.get_params(deep=False), other.get_params(deep=False)
    return all(same(a[name], b[name]) for name in a if name not in but)


def same(a, b):
    """Whether two values of a parameter are equal, by content."""
    # Identity first: anchors are shared objects, whatever their equality.
    if a is b or type(a) is not type(b):
        return a is b
    if isinstance(a, BaseEstimator):  # transformations, which clones have copies of
        return same_parameters(a, b)
    if isinstance(a, np.random.RandomState):
        return same(a.get_state(legacy=False), b.get_state(legacy=False))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, partial):  # of which a clone has a copy that is equal to nothing
        return same((a.func, a.args, a.keywords), (b.func, b.args, b.keywords))
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b)
    return bool(a == b)
