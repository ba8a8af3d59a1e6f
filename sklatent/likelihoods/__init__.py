"""What X is around a decoder's output: one class for each distribution."""

from typing import TYPE_CHECKING

from sklatent._utils.lazy import attach

if TYPE_CHECKING:  # what the table below says, for editors and type checkers
    from sklatent.likelihoods._base import Likelihood as Likelihood
    from sklatent.likelihoods._bernoulli import Bernoulli as Bernoulli
    from sklatent.likelihoods._categorical import Categorical as Categorical
    from sklatent.likelihoods._gaussian import Gaussian as Gaussian
    from sklatent.likelihoods._mixed import Mixed as Mixed
    from sklatent.likelihoods._negative_binomial import NegativeBinomial as NegativeBinomial
    from sklatent.likelihoods._poisson import Poisson as Poisson

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "_base": ["Likelihood"],
        "_bernoulli": ["Bernoulli"],
        "_categorical": ["Categorical"],
        "_gaussian": ["Gaussian"],
        "_mixed": ["Mixed"],
        "_negative_binomial": ["NegativeBinomial"],
        "_poisson": ["Poisson"],
    },
)
