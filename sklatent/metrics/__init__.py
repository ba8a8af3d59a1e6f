"""Metrics of latent spaces: how reproducible, alike and disentangled they are, and scorers."""

from sklatent._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "_disentanglement": ["dci_from_importances", "dci_scores"],
        "_information": ["modularity_score", "mutual_information_gap"],
        "_intervention": ["beta_vae_score", "factor_vae_score", "interventional_robustness_score"],
        "_permutation": ["distance_to_signed_permutation"],
        "_posterior": ["active_components", "polarized_regime"],
        "_prediction": ["explicitness_score", "separated_attribute_predictability"],
        "_ranking": ["udr_scores"],
        "_reproducibility": [
            "latent_space_distortion",
            "linear_map_distortion",
            "retraining_variability",
        ],
        "_similarity": [
            "cca_score",
            "consistency_score",
            "linear_cka",
            "pairwise_distance",
            "procrustes_distance",
        ],
    },
)
