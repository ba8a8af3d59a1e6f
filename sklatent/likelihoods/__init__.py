"""What X is around a decoder's output: one class for each distribution."""

from sklatent._utils.lazy import attach

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
