"""The variational autoencoder."""

from sklatent.models._base import LatentModel
from sklatent.models._parameters import document


@document()
class VAE(LatentModel):
    """Variational autoencoder: a latent space as a drop-in for PCA.

    ``VAE(beta=4)`` is the beta-VAE.

    Parameters
    ----------
    {n_components}
    {shared parameters}

    Attributes
    ----------
    {shared attributes}

    References
    ----------
    .. [1] Kingma & Welling, Auto-encoding variational Bayes, ICLR 2014.
    .. [2] Higgins et al., beta-VAE, ICLR 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklatent import VAE
    >>> X = load_digits().data / 16
    >>> model = VAE(2, likelihood="bernoulli", max_epochs=5, random_state=0).fit(X)
    >>> model.transform(X).shape
    (1797, 2)
    >>> model.inverse_transform(model.transform(X[:3])).shape
    (3, 64)
    """

    _may_decode_quickly = True
