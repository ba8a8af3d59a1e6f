"""Similarity of all pairs of channels."""

from sklatent.channels._fingerprints import ChannelFingerprints
from sklatent.channels._information import nmi_from_bits, vi_from_bits
from sklatent.channels._joint_information import joint_information
from sklatent.channels._samples import check_same_samples

# 2 I(X;U) - I(X;U,U') in bits below which a channel counts as without information in each type.
_NO_INFORMATION = {"float32": 1e-6, "float64": 1e-12}


def channel_similarity(fingerprints, other=None, *, metric="nmi", dtype="float32", device="auto"):
    """Similarity of all pairs of channels.

    Takes O(C^2 N^2) time, C channels over N samples, at the speed of a matrix product, and memory
    for a few (C, N) and (C, C) matrices for each thread. As many threads work as the BLAS library
    is allowed to use (OMP_NUM_THREADS, threadpoolctl); with a fixed number of threads results are
    the same to the last bit.

    Parameters
    ----------
    fingerprints : ChannelFingerprints
        The channels.

    other : ChannelFingerprints, default=None
        Channels over the same samples to compare with. By default the channels are compared with
        each other.

    metric : {"nmi", "vi", "information"}, default="nmi"
        Normalised mutual information (equation 3: greater is more similar, 1 for the same message,
        NaN where a channel carries no information), variation of information in bits (equation 4:
        smaller is more similar, 0 for the same message), or the information in bits that both
        channels give about the same things, I_U + I_V - I_UV, the numerator of the first: greater
        is more; beside itself, a channel has what it tells again when read a second time.

    dtype : {"float32", "float64"}, default="float32"
        Type of the coefficients and products; the informations are summed in float64 in any case.
        float32 agrees with the definition to better than 1e-4 bits, float64 to 1e-10.

    device : str, default="auto"
        "cpu", or the name of a torch device such as "cuda". "auto" is a CUDA device where the
        program has imported torch already and there is one, and "cpu" otherwise.

    Returns
    -------
    similarity : ndarray of shape (n_channels, n_other_channels)
        Of each channel with each other, in float64.

    References
    ----------
    Murphy, Dillavou and Bassett, "Comparing information content of representation spaces for
    disentanglement with VAE ensembles", equations 3, 4 and 6.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.channels import ChannelFingerprints, channel_similarity
    >>> x = np.linspace(-2.0, 2.0, 50)
    >>> means = np.stack([x, -(x**3), np.abs(x)])
    >>> channels = ChannelFingerprints.from_posteriors(means, np.full((3, 50), -3.0))
    >>> channel_similarity(channels).round(2)
    array([[1.  , 0.79, 0.7 ],
           [0.79, 1.  , 0.68],
           [0.7 , 0.68, 1.  ]])
    """
    if not isinstance(metric, str) or metric not in ("nmi", "vi", "information"):
        raise ValueError(f'metric must be "nmi" or "vi" or "information", got {metric!r}.')
    if not isinstance(dtype, str) or dtype not in _NO_INFORMATION:
        raise ValueError(f'dtype must be "float32" or "float64", got {dtype!r}.')
    for given in (fingerprints,) if other is None else (fingerprints, other):
        if not isinstance(given, ChannelFingerprints):
            raise TypeError(
                f"Expected ChannelFingerprints, got {type(given).__name__}. Make them with "
                "ChannelFingerprints.from_models, from_posteriors or from_labels."
            )
    if other is not None:
        check_same_samples(fingerprints, other)
    joint, *single = joint_information(fingerprints, other, dtype, device)
    (information_a, twice_a), (information_b, twice_b) = single
    twice_a, twice_b = twice_a[:, None], twice_b[None, :]
    if metric == "vi":
        return vi_from_bits(joint, twice_a, twice_b)
    information_a, information_b = information_a[:, None], information_b[None, :]
    if metric == "information":
        # By Cauchy and Schwarz it can miss zero by more than rounding: bounds are subtracted.
        return information_a + information_b - joint
    tolerance = _NO_INFORMATION[dtype]
    return nmi_from_bits(information_a, information_b, joint, twice_a, twice_b, tolerance)
