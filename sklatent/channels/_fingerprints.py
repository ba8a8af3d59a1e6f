"""What latent channels know: their posteriors over one sample of a data set."""

import itertools
from functools import cached_property

import numpy as np

from sklatent._utils.files import read_file, write_file
from sklatent._utils.options import check_options
from sklatent._utils.random import local_random_state
from sklatent.channels._arrays import as_floats, check_numbers, encode_labels
from sklatent.channels._coefficients import (
    LabelChannels,
    coefficient_matrix,
    gaussian_channels,
    merge_channels,
    reorder_samples,
    select_channels,
)
from sklatent.channels._content import from_content, to_content
from sklatent.channels._joint_information import information_in_bits
from sklatent.channels._samples import check_same_samples, encode_channels, hash_samples

_FILE_KIND = "channel fingerprints"
_SCHEMA_VERSION = 1


class ChannelFingerprints:
    """Fingerprints of communication channels over one sample of a data set.

    A channel is one latent dimension of a model, a whole latent space, or a factor that labels the
    samples. Its fingerprint is the matrix of Bhattacharyya coefficients between the messages that
    it sends about each pair of samples. Kept are the messages themselves (posteriors or labels), a
    few kilobytes for each channel, from which coefficients are computed where they are needed; the
    models are not needed again.

    Made by :meth:`from_models`, :meth:`from_posteriors` or :meth:`from_labels`, joined with ``+``,
    selected from with ``[...]`` (an integer, a slice, a mask or indices, over channels), kept with
    :meth:`save`. Channels of all kinds and widths can stand beside each other.

    Parameters
    ----------
    blocks : list
        Channels of the same kind and width together; the class methods make them.
    model : array-like of shape (n_channels,)
        Number of the model that each channel belongs to; -1 for channels of no model.
    component : array-like of shape (n_channels,)
        Number of the latent component, -1 for a whole latent space.
    names : iterable of str
        A name for each channel.
    sample_hash : str, default=None
        SHA-256 of the samples, where they are known.

    Attributes
    ----------
    model : ndarray of shape (n_channels,)
        Number of the model that each channel belongs to; -1 for channels of no model. Joining
        numbers the models of the right-hand side on from those of the left.
    component : ndarray of shape (n_channels,)
        Number of the latent component; -1 for a whole latent space. For labels, the column.
    names : list of str
        A name for each channel, such as ``"model3.component1"``.
    n_samples : int
        Number of samples that all channels speak about.
    sample_hash : str or None
        SHA-256 of the samples, by which fingerprints over different samples refuse to be joined;
        None where the samples are not known, which joins with anything of the same length.
    widths : ndarray of shape (n_channels,)
        Number of dimensions of each channel.
    blocks : list
        Channels of the same kind and width together, for those who compute with them.
    information : ndarray of shape (n_channels,)
        Lower bound of the information that each channel transmits about the samples, in bits.

    References
    ----------
    Murphy, Dillavou and Bassett, "Comparing information content of representation spaces for
    disentanglement with VAE ensembles", section 3.2.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.channels import ChannelFingerprints
    >>> angle = np.linspace(0.0, np.pi, 100)
    >>> means = np.stack([np.cos(angle), np.sin(angle)])
    >>> channels = ChannelFingerprints.from_posteriors(means, np.full((2, 100), -4.0))
    >>> channels = channels + ChannelFingerprints.from_labels(angle > np.pi / 2, names=["half"])
    >>> channels
    ChannelFingerprints(n_channels=3, n_samples=100)
    >>> channels.names[-1]
    'half'
    >>> channels.information.round(2)
    array([1.86, 0.99, 1.  ])
    """

    # An array plus fingerprints is an error, not an array of fingerprints.
    __array_ufunc__ = None

    def __init__(self, blocks, *, model, component, names, sample_hash=None):
        self.blocks = blocks
        self.model = np.asarray(model, dtype=np.int64)
        self.component = np.asarray(component, dtype=np.int64)
        self.names = list(names)
        self.sample_hash = sample_hash

    @classmethod
    @check_options()
    def from_models(cls, models, X, *, whole=False):
        """Encode samples with fitted models and take each latent component as a channel.

        Parameters
        ----------
        models : estimator or iterable of estimators
            Fitted models with a method `encode` that returns posteriors, or Pipelines that end in
            one.
        X : array-like of shape (n_samples, n_features)
            The samples. About 1,000 suffice for channels of a few bits.
        whole : bool, default=False
            Take each whole latent space as one channel instead of each of its components.

        Returns
        -------
        fingerprints : ChannelFingerprints
            Channels in the order of the models, then of the components.
        """
        if hasattr(models, "fit"):
            models = [models]
        if isinstance(models, str) or not np.iterable(models):
            raise TypeError(
                f"models must be fitted models, one or a list of them, got {models!r} of type "
                f"{type(models).__name__}."
            )
        models = list(models)
        if not models:
            raise ValueError("models is empty: give at least one fitted model.")
        blocks, model, component = [], [], []
        for number, estimator in enumerate(models):
            block = encode_channels(estimator, X, whole, number)
            blocks.append(block)
            model += [number] * len(block)
            component += [-1] if whole else range(len(block))
        names = [
            f"model{m}" if whole else f"model{m}.component{c}"
            for m, c in zip(model, component, strict=True)
        ]
        hash_ = hash_samples(X, blocks[0].n_samples)
        return cls(
            merge_channels(blocks), model=model, component=component, names=names, sample_hash=hash_
        )

    @classmethod
    def from_posteriors(
        cls, means, log_vars=None, *, covariances=None, model=None, component=None, X=None
    ):
        """Take channels from arrays of posteriors.

        Parameters
        ----------
        means : array-like of shape (n_channels, n_samples) or (n_channels, n_samples, width)
            Posterior means.
        log_vars : array-like of the shape of `means`, default=None
            Natural logarithms of the variances.
        covariances : array-like of shape (n_channels, n_samples, width, width), default=None
            Full covariance matrices, in place of `log_vars`.
        model, component : array-like of shape (n_channels,), default=None
            Which model and component each channel is; by default of no model, numbered in order.
        X : array-like of shape (n_samples, n_features), default=None
            The samples, of which only the hash is kept.

        Returns
        -------
        fingerprints : ChannelFingerprints
            One channel for each row of `means`.
        """
        means = as_floats(means, "means")
        log_vars = None if log_vars is None else as_floats(log_vars, "log_vars")
        covariances = None if covariances is None else as_floats(covariances, "covariances")
        if means.ndim == 2:
            if log_vars is not None and log_vars.shape == means.shape:
                log_vars = log_vars[:, :, None]
            means = means[:, :, None]
        if means.ndim != 3 or not len(means):
            raise ValueError(
                "means must have shape (n_channels, n_samples) or (n_channels, n_samples, width) "
                f"with at least one channel, got {means.shape[:2]}."
            )
        block = gaussian_channels(means, log_vars, covariances)
        n_channels = len(block)
        model = check_numbers(model, "model", np.full(n_channels, -1))
        component = check_numbers(component, "component", np.arange(n_channels))
        names = [
            f"channel{c}" if m < 0 else f"model{m}" if c < 0 else f"model{m}.component{c}"
            for m, c in zip(model, component, strict=True)
        ]
        hash_ = None if X is None else hash_samples(X, block.n_samples)
        return cls([block], model=model, component=component, names=names, sample_hash=hash_)

    @classmethod
    def from_labels(cls, y, *, names=None, X=None):
        """Take labels or factors of the samples as channels: each a hard clustering.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, n_factors)
            Labels of any type, or known factors with a column each, as in the metrics. Equal values
            are one cluster; bin continuous factors first. What is missing (NaN, None, NaT, NA) is
            an error, whatever its column's type. Columns of a data frame give the names.
        names : sequence of str, default=None
            Names of the factors; by default `"factor0"` and so on.
        X : array-like of shape (n_samples, n_features), default=None
            The samples, of which only the hash is kept.

        Returns
        -------
        fingerprints : ChannelFingerprints
            One channel for each column of `y`.
        """
        if names is None and hasattr(y, "columns"):
            names = [str(name) for name in y.columns]
        labels = encode_labels(y)
        names = [f"factor{k}" for k in range(len(labels))] if names is None else names
        listed = np.iterable(names) and not isinstance(names, str)
        if not listed or not all(isinstance(name, str) for name in names):
            raise TypeError(f"names must be a list of strings, one for each column, got {names!r}.")
        if len(names) != len(labels):
            raise ValueError(f"y has {len(labels)} columns, but {len(names)} names were given.")
        hash_ = None if X is None else hash_samples(X, labels.shape[1])
        return cls(
            [LabelChannels(labels)],
            model=np.full(len(labels), -1),
            component=np.arange(len(labels)),
            names=list(names),
            sample_hash=hash_,
        )

    @property
    def n_samples(self):
        """Number of samples that all channels speak about."""
        return self.blocks[0].n_samples

    @property
    def widths(self):
        """Number of dimensions of each channel."""
        return np.concatenate([np.full(len(block), block.width) for block in self.blocks])

    @cached_property
    def information(self):
        """Lower bound of the information in each channel, in bits."""
        return information_in_bits(self)

    def coefficients(self, channel=0):
        """Bhattacharyya coefficients of one channel.

        Parameters
        ----------
        channel : int, default=0
            Which channel.

        Returns
        -------
        bc : ndarray of shape (n_samples, n_samples)
            Coefficients in [0, 1]; smaller means easier to tell apart.
        """
        if isinstance(channel, (bool, np.bool_)) or not isinstance(channel, (int, np.integer)):
            raise TypeError(
                f"channel must be the number of one channel, got {channel!r} of type "
                f"{type(channel).__name__}."
            )
        return coefficient_matrix(self[channel].blocks[0])

    def rows(self, dtype):
        """Make a function that writes all channels' coefficients of one sample.

        Parameters
        ----------
        dtype : dtype
            Of the coefficients, float32 or float64.

        Returns
        -------
        fill : callable
            `fill(sample, out)` writes the coefficients of `sample` with all samples to `out`, of
            shape (n_channels, n_samples) and that type.
        """
        edges = np.cumsum([0] + [len(block) for block in self.blocks])
        parts = [slice(start, stop) for start, stop in itertools.pairwise(edges)]
        rows = [block.rows(dtype) for block in self.blocks]

        def fill(sample, out):
            for part, own in zip(parts, rows, strict=True):
                own.fill(sample, out[part])

        return fill

    def shuffled(self, random_state=None):
        """Give every channel its own random order of the samples.

        What the channels then share is chance: the null against which similarities are judged.

        Parameters
        ----------
        random_state : int, RandomState instance or None, default=None
            Determines the orders. Pass an int for reproducible results.

        Returns
        -------
        fingerprints : ChannelFingerprints
            Channels with the same information each, and nothing in common. The sample hash is gone.
        """
        rng = local_random_state(random_state)
        blocks = [
            reorder_samples(
                block, np.stack([rng.permutation(block.n_samples) for _ in range(len(block))])
            )
            for block in self.blocks
        ]
        return ChannelFingerprints(
            blocks, model=self.model, component=self.component, names=self.names
        )

    def save(self, path):
        """Write to one safetensors file with JSON beside the arrays; no pickle.

        Parameters
        ----------
        path : str or path-like
            The file. An existing one is replaced.
        """
        write_file(path, *self._content(), kind=_FILE_KIND, schema_version=_SCHEMA_VERSION)

    @classmethod
    def load(cls, path):
        """Read a file written by :meth:`save`.

        Parameters
        ----------
        path : str or path-like
            The file.

        Returns
        -------
        fingerprints : ChannelFingerprints
            What was saved.

        Raises
        ------
        ValueError
            If the file is truncated, foreign, tampered with or of a newer layout, or if what it
            holds is incomplete, contradicts itself or is not finite; the message says which.
        """
        arrays, envelope = read_file(path, kind=_FILE_KIND, schema_version=_SCHEMA_VERSION)
        return cls._from_content(arrays, envelope["metadata"])

    def _content(self):
        """All there is, as arrays and what JSON can hold."""
        return to_content(self)

    @classmethod
    def _from_content(cls, arrays, metadata):
        """Make what :meth:`_content` was taken from; ValueError where it is not that."""
        return cls(**from_content(arrays, metadata))

    def __add__(self, other):
        if not isinstance(other, ChannelFingerprints):
            return NotImplemented
        check_same_samples(self, other)
        known = self.model.max(initial=-1) + 1
        return ChannelFingerprints(
            merge_channels(self.blocks + other.blocks),
            model=np.concatenate([self.model, np.where(other.model < 0, -1, other.model + known)]),
            component=np.concatenate([self.component, other.component]),
            names=self.names + other.names,
            sample_hash=self.sample_hash or other.sample_hash,
        )

    def __len__(self):
        return len(self.names)

    def __getitem__(self, channels):
        if isinstance(channels, (int, np.integer)):
            if not -len(self) <= channels < len(self):
                raise IndexError(f"Channel {channels} is out of range for {len(self)} channels.")
            channels = [channels]
        try:
            indices = np.arange(len(self))[channels]
        except IndexError as error:
            raise IndexError(
                f"Channels are selected by integers from {-len(self)} to {len(self) - 1}, a slice, "
                f"or a mask of {len(self)} booleans, got {channels!r}."
            ) from error
        if indices.ndim != 1 or not len(indices):
            raise IndexError("A selection must be over channels and keep at least one of them.")
        return ChannelFingerprints(
            select_channels(self.blocks, indices),
            model=self.model[indices],
            component=self.component[indices],
            names=[self.names[k] for k in indices],
            sample_hash=self.sample_hash,
        )

    def __repr__(self):
        return f"ChannelFingerprints(n_channels={len(self)}, n_samples={self.n_samples})"
