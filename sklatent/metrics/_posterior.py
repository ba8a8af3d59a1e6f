"""Which components of a Gaussian posterior carry information."""

import numpy as np
from sklearn.utils.validation import check_scalar

from sklatent._utils.arrays import to_numbers
from sklatent._utils.options import check_options


def check_posterior(posterior):
    """Return means and log variances as float64, looked at.

    Parameters
    ----------
    posterior : Posterior
        What `encode` returns.

    Returns
    -------
    mean, log_var : ndarray of shape (n_samples, n_components)
        Both finite.

    Raises
    ------
    TypeError
        If it has neither.

    ValueError
        If shapes disagree or an entry is not finite.
    """
    for name in ("mean", "log_var"):
        if not hasattr(posterior, name):
            raise TypeError(
                "posterior must have the attributes mean and log_var, as what `encode` returns "
                f"has; got {type(posterior).__name__}."
            )
    mean, log_var = (
        to_numbers(getattr(posterior, name), f"The posterior's {name}").astype(np.float64)
        for name in ("mean", "log_var")
    )
    if mean.ndim != 2 or mean.shape != log_var.shape or len(mean) == 0:
        raise ValueError(
            "The posterior's mean and log_var must both have shape (n_samples, n_components) with "
            f"at least one sample, got {mean.shape} and {log_var.shape}."
        )
    if not (np.isfinite(mean).all() and np.isfinite(log_var).all()):
        raise ValueError("The posterior's mean or log_var contains NaN or infinity.")
    if np.abs(mean).max() > 1e150 or np.abs(log_var).max() > 690:
        raise ValueError(
            "The posterior has means beyond 1e150 or log variances beyond 690 either way, whose "
            "squares or variances are no finite numbers: the model has diverged."
        )
    return mean, log_var


def polarized_regime(posterior):
    """Log relative error of the polarised approximation of each component's divergence.

    In the polarised regime, a component is either active, with a variance far below one, or
    passive and equal to the prior. For active ones the divergence from the prior is nearly

    .. math:: KL_\\approx = \\tfrac{1}{2} (\\mu^2 - \\log \\sigma^2 - 1)

    and the measure is :math:`\\log \\frac{KL - KL_\\approx}{KL}`, with both divergences averaged
    over the samples first. Much below zero for active components, above zero for passive ones;
    smaller is more active. Plus infinity for a component that equals the prior exactly.

    Parameters
    ----------
    posterior : Posterior
        Posteriors of the samples, as `encode` returns them. Only the means and the marginal
        variances count.

    Returns
    -------
    log_error : ndarray of shape (n_components,)
        Natural logarithm of the relative error.

    Raises
    ------
    TypeError
        If `posterior` has no means and log variances.

    ValueError
        If shapes disagree or entries are not finite.

    Notes
    -----
    This is the ratio of means over the samples. The mean of the samples' ratios, the formula's
    other reading, is ruled by the samples whose divergence is nearly zero.

    References
    ----------
    "Improving the unsupervised disentangled representation learning with VAE ensemble", section 5
    and figure 3. M. Rolinek, D. Zietlow, G. Martius, "Variational autoencoders pursue PCA
    directions (by accident)", CVPR 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent._posterior import Posterior
    >>> from sklatent.metrics import polarized_regime
    >>> mean = np.array([[1.0, 0.01], [-1.0, -0.01]])
    >>> posterior = Posterior(mean, log_var=np.log([[0.01, 1.0], [0.01, 1.0]]))
    >>> polarized_regime(posterior).round(1)
    array([-6.1,  9.2])
    """
    mean, log_var = check_posterior(posterior)
    # expm1(v) - v is at least zero, also in floating point, up to the last digit.
    kl = 0.5 * (mean**2 + np.maximum(np.expm1(log_var) - log_var, 0.0)).mean(axis=0)
    # KL - KL_approx is half the variance.
    error = 0.5 * np.exp(log_var).mean(axis=0)
    with np.errstate(divide="ignore"):
        return np.log(error) - np.log(kl)


@check_options()
def active_components(posterior, *, threshold=0.01):
    """Which components are active, that is, depend on the sample.

    A component is active if the variance of its posterior mean over the samples exceeds the
    threshold, the usual definition of active units. (Its divergence from the prior would not do: a
    component with the same posterior for every sample carries nothing, however far from the prior.)

    Parameters
    ----------
    posterior : Posterior
        Posteriors of the samples, as `encode` returns them.

    threshold : float, default=0.01
        Variance, in units of the prior's, above which a component is active.

    Returns
    -------
    active : ndarray of shape (n_components,)
        Boolean mask; all false for a single sample.

    Raises
    ------
    TypeError
        If `posterior` has no means and log variances.

    ValueError
        If shapes disagree, entries are not finite, or the threshold is negative.

    References
    ----------
    Y. Burda, R. Grosse, R. Salakhutdinov, "Importance weighted autoencoders", ICLR 2016, section
    5.2.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent._posterior import Posterior
    >>> from sklatent.metrics import active_components
    >>> posterior = Posterior([[1.0, 0.01], [-1.0, -0.01]], log_var=np.zeros((2, 2)))
    >>> active_components(posterior)
    array([ True, False])
    """
    check_scalar(threshold, "threshold", (int, float), min_val=0)
    mean, _ = check_posterior(posterior)
    return mean.var(axis=0) > threshold
