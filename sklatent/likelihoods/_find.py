"""How a model finds its likelihood by name."""

from sklatent.likelihoods._bernoulli import Bernoulli
from sklatent.likelihoods._categorical import Categorical
from sklatent.likelihoods._gaussian import Gaussian
from sklatent.likelihoods._negative_binomial import NegativeBinomial
from sklatent.likelihoods._poisson import Poisson

_NAMED = {
    "gaussian": Gaussian,
    "unit_gaussian": lambda: Gaussian(scale=1.0),
    "bernoulli": Bernoulli,
    "poisson": Poisson,
    "negative_binomial": NegativeBinomial,
    "categorical": Categorical,
}
_METHODS = ("n_outputs", "encoder_input", "log_prob", "mean", "sample", "deviance", "check")


def find_likelihood(likelihood):
    """Return the likelihood that a model's parameter names, or is.

    Parameters
    ----------
    likelihood : str or object
        A name, or an object with the methods of :class:`Likelihood`.

    Returns
    -------
    object
        The likelihood.

    Raises
    ------
    ValueError
        If the name is unknown.
    TypeError
        If the object lacks a method.
    """
    if isinstance(likelihood, str):
        if likelihood not in _NAMED:
            raise ValueError(
                f"likelihood={likelihood!r} is unknown; use one of {', '.join(sorted(_NAMED))}, or "
                "an object of sklatent.likelihoods."
            )
        return _NAMED[likelihood]()
    missing = [name for name in _METHODS if not callable(getattr(likelihood, name, None))]
    if missing or isinstance(likelihood, type):
        lacks = f"lacks {', '.join(missing)}" if missing else "is a class, not an object"
        raise TypeError(
            f"likelihood={likelihood!r} {lacks}; give a name, or an object with the methods of "
            "sklatent.likelihoods.Likelihood."
        )
    return likelihood
