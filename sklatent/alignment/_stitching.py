"""Alignment by a small network, trained to take one space into the other."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, StrOptions

from sklatent._utils.limits import LARGEST_RATE, require_room
from sklatent._utils.random import local_random_state
from sklatent.alignment._base import BaseAligner
from sklatent.alignment._limits import raise_if_constant
from sklatent.alignment._moments import blocks, float_type, paired_moments

_STEPS = 3000  # what max_epochs=None aims at
_MIN_EPOCHS = 10


class StitchingAligner(BaseAligner):
    """Map from one latent space to another by a network with two hidden layers.

    Can bend, where a linear map can't; takes thousands of pairs, and with few learns them by
    heart.

    Parameters
    ----------
    width_factor : int, default=2
        Width of the hidden layers as a multiple of the source's; k in equation 3.

    max_epochs : int, default=None
        Passes over the rows. None is as many as make about 3,000 steps, at least 10: few anchors
        need many passes.

    batch_size : int, default=128
        Rows in a batch.

    learning_rate : float, default=1e-3
        Step size of Adam, on latents brought to unit variance.

    precision : {"float32", "float64", "bf16"}, default="float32"
        Arithmetic of training. Inference follows X's float type.

    device : str or torch.device, default="auto"
        Where to train; "auto" is a GPU where there is one.

    random_state : int, RandomState instance or None, default=None
        Seeds weights and the order of rows.

    verbose : int, default=0
        0 is silent; 1 shows one progress bar.

    Attributes
    ----------
    coefs_ : list of three ndarray of shape (n_in, n_out)
        Weights of the layers, for latents as they are.

    intercepts_ : list of three ndarray of shape (n_out,)
        Their biases.

    inverse_coefs_ : list of three ndarray of shape (n_in, n_out)
        Weights of a second network, trained from the target to the source.

    inverse_intercepts_ : list of three ndarray of shape (n_out,)
        Its biases.

    history_ : list of dict
        For each epoch, the loss and the mean squared errors there and back, in units of the
        variance of the space they are in.

    n_epochs_ : int
        Epochs trained.

    n_targets_ : int
        Width of the target space.

    n_features_in_ : int
        Width of the source space.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns of X, where it has names that are all strings.

    See Also
    --------
    LinearAligner : Usually as good, in closed form, and from far fewer anchors.

    Notes
    -----
    FC-ReLU-FC-ReLU-FC (equation 3). Each space is centred and divided by one number, its root mean
    variance, so that steps do not depend on its scale; the weights given back undo this. A network
    has no inverse: `inverse_transform` is a second one of the same kind, trained beside the first,
    and undoes it only as well as it fits.

    References
    ----------
    Lähner and Moeller, "On the direct alignment of latent spaces", equation 3; after Lenc and
    Vedaldi, "Understanding image representations by measuring their equivariance and equivalence"
    (2018).

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.alignment import LinearAligner, StitchingAligner
    >>> source = np.random.default_rng(0).normal(size=(500, 2))
    >>> target = np.c_[source[:, 0], source[:, 1] + source[:, 0] ** 2]
    >>> bent = StitchingAligner(width_factor=8, learning_rate=0.01, max_epochs=60, random_state=0)
    >>> bent = bent.fit(source, target)
    >>> bool(bent.score(source, target) > 0.98)
    True
    >>> bool(LinearAligner().fit(source, target).score(source, target) < 0.8)
    True
    """

    _parameter_constraints: dict = {
        "width_factor": [Interval(Integral, 1, None, closed="left")],
        "max_epochs": [Interval(Integral, 1, None, closed="left"), None],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, LARGEST_RATE, closed="neither")],
        "precision": [StrOptions({"float32", "float64", "bf16"})],
        "device": "no_validation",  # torch validates it
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        *,
        width_factor=2,
        max_epochs=None,
        batch_size=128,
        learning_rate=1e-3,
        precision="float32",
        device="auto",
        random_state=None,
        verbose=0,
    ):
        self.width_factor = width_factor
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.precision = precision
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Train the network on rows in correspondence.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Source latents.

        y : array-like of shape (n_samples, n_targets) or (n_samples,)
            Target latents of the same samples, in the same order.

        Returns
        -------
        self : StitchingAligner
            The fitted aligner.
        """
        # Here and not above, so that the other aligners never import torch.
        from sklatent.nn.stitching import train_stitching

        X, Y = self._validate_pair(X, y)
        moments = paired_moments(X, Y)
        raise_if_constant(moments)
        width = max(X.shape[1], Y.shape[1])
        require_room((float(self.width_factor) * width) ** 2, f"width_factor={self.width_factor}")
        source = _Scale(X, moments.x_mean)
        target = _Scale(Y, moments.y_mean)
        epochs = self.max_epochs
        if epochs is None:
            steps_per_epoch = -(-X.shape[0] // self.batch_size)
            epochs = max(_MIN_EPOCHS, -(-_STEPS // steps_per_epoch))
        layers, inverse_layers, self.history_ = train_stitching(
            source,
            target,
            width_factor=self.width_factor,
            epochs=epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            precision=self.precision,
            device=self.device,
            seed=int(local_random_state(self.random_state).randint(np.iinfo(np.int32).max)),
            progress_bar=bool(self.verbose),
        )
        self.coefs_, self.intercepts_ = _unscaled(layers, source, target)
        self.inverse_coefs_, self.inverse_intercepts_ = _unscaled(inverse_layers, target, source)
        self.n_epochs_ = len(self.history_)
        return self

    def _map(self, X):
        return apply_layers(X, self.coefs_, self.intercepts_)

    def _unmap(self, Z):
        return apply_layers(Z, self.inverse_coefs_, self.inverse_intercepts_)


class _Scale:
    """One space, and how to bring it to mean zero and unit mean variance."""

    def __init__(self, rows, mean):
        total = 0.0
        for block in blocks(rows.shape[0], rows.shape[1]):
            total += float(((rows[block] - mean) ** 2).sum())
        self.rows = rows
        self.mean = mean
        self.scale = np.sqrt(total / rows.size)


def _unscaled(layers, source, target):
    """Layers for latents as they are, from layers for latents brought to unit scale."""
    (first, first_bias), middle, (last, last_bias) = layers
    first = first / source.scale
    first_bias = first_bias - source.mean @ first
    last, last_bias = last * target.scale, last_bias * target.scale + target.mean
    coefs, intercepts = zip((first, first_bias), middle, (last, last_bias), strict=True)
    return list(coefs), list(intercepts)


def apply_layers(X, coefs, intercepts):
    """Apply linear layers with ReLU between them, in the float type of X.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_in)
        Rows of any real type.

    coefs : list of ndarray
        Weights, each (n_in, n_out).

    intercepts : list of ndarray
        Biases, each (n_out,).

    Returns
    -------
    result : ndarray of shape (n_samples, n_out)
        Of float32 for float16 and float32 X, else of float64.
    """
    dtype = float_type(X.dtype)
    coefs = [weights.astype(dtype) for weights in coefs]
    intercepts = [bias.astype(dtype) for bias in intercepts]
    result = np.empty((X.shape[0], coefs[-1].shape[1]), dtype)
    for rows in blocks(X.shape[0], max(sum(weights.shape) for weights in coefs)):
        values = np.asarray(X[rows], dtype)
        for weights, bias in zip(coefs[:-1], intercepts[:-1], strict=True):
            values = np.maximum(values @ weights + bias, 0)
        result[rows] = values @ coefs[-1] + intercepts[-1]
    return result
