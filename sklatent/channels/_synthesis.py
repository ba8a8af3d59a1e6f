"""One channel from many: posteriors whose fingerprint is most similar to an ensemble's."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_array, check_is_fitted

from sklatent._posterior import Posterior
from sklatent._utils.limits import LARGEST_RATE
from sklatent._utils.options import check_options
from sklatent._utils.warn import warn_caller
from sklatent.channels._arrays import check_whole_number, readable
from sklatent.channels._fingerprints import ChannelFingerprints
from sklatent.channels._hotspots import read_channels
from sklatent.channels._similarity import channel_similarity


class ChannelSynthesizer(BaseEstimator):
    """Learn one channel that says what an ensemble of channels says.

    The means and log-variances of the posteriors of all samples are themselves the parameters. They
    are moved by gradient descent so as to maximise the mean similarity of the channel's fingerprint
    to the fingerprints of the ensemble. What each of many weak channels gets wrong in its own
    place, such as the scar of a circle pressed onto a line, the synthesis gets right.

    Parameters
    ----------
    n_components : int, default=2
        Number of dimensions of the new channel.

    metric : {"nmi", "vi", "nmi_printed"}, default="nmi"
        Similarity to maximise: NMI as the published code has it, exp(-VI) with VI in bits, or NMI
        by equation 3 as printed. See the notes.

    max_epochs : int, default=3000
        Passes over the samples.

    batch_size : int, default=256
        Samples in a batch. Memory grows as the number of channels times the square of it. A batch
        tells at most log2(batch_size) bits apart, so it should exceed what the channels tell.

    learning_rate : float or "auto", default="auto"
        Step size of the optimizer; "auto" is 0.1 for "adam" and for "sgd" 0.06 times the samples of
        a batch, since each sample's share of a mean over them shrinks as their number grows. The
        published experiment took 3 for 200 samples and 20,000 steps.

    optimizer : {"sgd", "adam"}, default="sgd"
        Plain gradient descent, which is slow and finds even spacing, or Adam, which is fast and
        folds.

    device : str, default="cpu"
        A torch device, or "auto" for a GPU where there is one.

    random_state : int, RandomState instance or None, default=None
        Determines the initial means and the batches. Pass an int for reproducible results.

    verbose : int, default=0
        0 is silent; 1 shows one progress bar.

    Attributes
    ----------
    posterior_ : Posterior
        Posteriors of the samples, `posterior_.mean` of shape (n_samples, n_components).

    fingerprint_ : ChannelFingerprints
        The new channel, to be compared with others.

    similarity_ : ndarray of shape (n_channels,)
        Similarity of the new channel to each of the ensemble, NMI or exp(-VI), over all samples;
        greater is more similar, NaN for channels that carry no information, zero for all others
        if the new channel carries none.

    history_ : list of dict
        For each epoch, `train_loss`: minus the mean similarity within batches; with "nmi", where
        equal channels have 1 and worse ones more, of the published form.

    n_features_in_ : int
        Number of samples that the channels speak about.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the samples, if fitted on a data frame.

    Notes
    -----
    Equation 3 as printed does not punish noise: a channel of the right shape that says little has
    an NMI above 1 with those it was made from, and that is what maximising it finds. In the
    published code every information is less by log2 N, for N samples; with M = I_U + I_V - I_UV
    and S the self-informations 2 I - I', it maximises -(log2 N - M) / sqrt((log2 N - S_U)(log2 N -
    S_V)), in which noise counts. Both agree on what is compared: `similarity_` and `score` are
    equation 3. A warning says so where the new channel carries less than a tenth of the members'
    bits, be it for "nmi_printed" or for too few epochs.

    `fit` and `score` also take a plain array, one row a channel: means of posteriors with unit
    variance.

    References
    ----------
    Murphy, Dillavou and Bassett, "Comparing information content of representation spaces for
    disentanglement with VAE ensembles", sections 3.4 and 4.4 and appendix E.

    Examples
    --------
    A circle, of which each channel sees one shadow:

    >>> import numpy as np
    >>> from sklatent.channels import ChannelFingerprints, ChannelSynthesizer
    >>> from sklatent.datasets import make_hue_circle
    >>> X, hue = make_hue_circle(60)
    >>> directions = np.linspace(0.0, np.pi, 8, endpoint=False)
    >>> shadows = np.cos(hue - directions[:, None])
    >>> channels = ChannelFingerprints.from_posteriors(shadows, np.full_like(shadows, -3.0))
    >>> synthesizer = ChannelSynthesizer(optimizer="adam", max_epochs=200, random_state=0)
    >>> synthesizer = synthesizer.fit(channels)
    >>> synthesizer.posterior_.mean.shape
    (60, 2)
    >>> bool(synthesizer.similarity_.min() > 0.6)
    True
    """

    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "metric": [StrOptions({"nmi", "vi", "nmi_printed"})],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "learning_rate": [
            Interval(Real, 0.0, LARGEST_RATE, closed="neither"),
            StrOptions({"auto"}),
        ],
        "optimizer": [StrOptions({"adam", "sgd"})],
        "device": [str],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        n_components=2,
        metric="nmi",
        *,
        max_epochs=3000,
        batch_size=256,
        learning_rate="auto",
        optimizer="sgd",
        device="cpu",
        random_state=None,
        verbose=0,
    ):
        self.n_components = n_components
        self.metric = metric
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.optimizer = optimizer
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn the channel.

        Parameters
        ----------
        X : ChannelFingerprints or array-like of shape (n_channels, n_samples)
            The ensemble; a plain array holds means of posteriors with unit variance.

        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        # Torch takes seconds to import, and nothing else about channels needs it.
        from sklatent.channels._synthesis_torch import train_posteriors

        for name in ("n_components", "max_epochs", "batch_size"):
            check_whole_number(getattr(self, name), name, 1)
        channels = read_channels(self, X)
        if self.n_components > channels.n_samples:
            raise ValueError(
                f"n_components={self.n_components} is more than the {channels.n_samples} samples "
                "that the channels speak about, and so many points span fewer dimensions. Choose "
                f"at most {channels.n_samples}."
            )
        informative = channels.information > _LEAST_INFORMATION
        if not informative.any():
            raise ValueError(
                "No channel carries information about the samples, so there is nothing to "
                "synthesise. Are the variances far larger than the differences of the means?"
            )
        mean, log_var, self.history_ = train_posteriors(self, channels[informative])
        self.posterior_ = Posterior(mean, log_var=log_var)
        self.fingerprint_ = ChannelFingerprints.from_posteriors(mean[None], log_var[None])
        self.similarity_ = self._similarity(channels)
        bits, members = self.fingerprint_.information[0], channels.information[informative].mean()
        if bits < _LEAST_SHARE * members:
            warn_caller(
                f"The new channel carries {bits:.2g} bits, less than a tenth of its members' "
                f"{members:.2g}: whatever its similarity, it says next to nothing. Train longer "
                '(max_epochs), or use metric="nmi" or "vi", which count noise.'
            )
        return self

    def score(self, X, y=None):
        """Mean similarity of the new channel to channels over the same samples.

        Parameters
        ----------
        X : ChannelFingerprints or array-like of shape (n_channels, n_samples)
            Channels, such as some that `fit` has not seen.

        y : None
            Ignored.

        Returns
        -------
        score : float
            Mean NMI, or mean exp(-VI), over the channels for which it is defined; greater is more
            similar.
        """
        check_is_fitted(self)
        similarity = self._similarity(read_channels(self, X, reset=False))
        if np.isnan(similarity).all():
            raise ValueError("No channel of X carries information about the samples.")
        return float(np.nanmean(similarity))

    def _similarity(self, channels):
        metric = "vi" if self.metric == "vi" else "nmi"
        values = channel_similarity(self.fingerprint_, channels, metric=metric)[0]
        if metric == "vi":
            return np.exp(-values)
        if np.isnan(values).all():
            # It is the new channel that says nothing yet, and so nothing of what they say.
            values[channels.information > _LEAST_INFORMATION] = 0.0
        return values


# In bits; what lies below would only add noise to the gradient.
_LEAST_INFORMATION = 1e-4

# Share of the members' bits below which the new channel is no success.
_LEAST_SHARE = 0.1


@check_options()
def neighbor_distance_variability(means, *, closed=True):
    """How unevenly a curve of means is spaced.

    The standard deviation of the Euclidean distances between the means of neighbouring values of a
    factor, divided by their mean. A circle that is represented as one has 0; a scar, where
    neighbours are torn apart, stands out.

    Parameters
    ----------
    means : array-like of shape (n_samples, n_components)
        Posterior means, in the order of the factor's values.

    closed : bool, default=True
        Whether the last sample is the first one's neighbour, as on a circle.

    Returns
    -------
    variability : float
        Smaller is more uniform.

    References
    ----------
    Murphy, Dillavou and Bassett, "Comparing information content of representation spaces for
    disentanglement with VAE ensembles", section 4.4 and figure 6c.

    Examples
    --------
    >>> from sklatent.channels import neighbor_distance_variability
    >>> neighbor_distance_variability([[0, 0], [0, 1], [1, 1], [1, 0]])
    0.0
    >>> neighbor_distance_variability([[0], [1], [2], [3]])
    0.577...
    """
    means = check_array(
        readable(means, "means"), dtype=np.float64, ensure_min_samples=3, input_name="means"
    )
    # The unit cancels; without it squares stay in range.
    means = means / max(np.abs(means).max(), np.finfo(np.float64).tiny)
    following = np.roll(means, -1, axis=0) if closed else means[1:]
    distances = np.linalg.norm(following - means[: len(following)], axis=1)
    if not distances.any():
        raise ValueError("All means are the same, so that they have no spacing.")
    return float(distances.std() / distances.mean())
