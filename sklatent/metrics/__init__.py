"""Metrics of latent spaces: how reproducible, alike and disentangled they are, and scorers.

Metrics are functions of plain arrays. Scorers are callables ``scorer(estimator, X, y=None)``,
greater is better, for scikit-learn's searches and cross-validation.
"""

from sklatent._utils.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "_bures": ["bures_distance"],
        "_cka": ["linear_cka"],
        "_disentanglement": ["dci_from_importances", "dci_scores"],
        "_factor_scorers": [
            "make_beta_vae_scorer",
            "make_factor_vae_scorer",
            "make_interventional_robustness_scorer",
            "make_modularity_scorer",
            "make_mutual_information_gap_scorer",
        ],
        "_information": ["modularity_score", "mutual_information_gap"],
        "_intervention": ["beta_vae_score", "factor_vae_score", "interventional_robustness_score"],
        "_neighborhood_scorers": [
            "make_bures_scorer",
            "make_cknna_scorer",
            "make_mutual_knn_scorer",
            "make_neighborhood_jaccard_scorer",
            "make_rsa_scorer",
        ],
        "_neighborhoods": ["cknna_score", "mutual_knn_score", "neighborhood_jaccard_score"],
        "_permutation": ["distance_to_signed_permutation", "signed_permutation_report"],
        "_posterior": ["active_components", "polarized_regime"],
        "_prediction": ["explicitness_score", "separated_attribute_predictability"],
        "_prediction_scorers": [
            "make_dci_scorer",
            "make_explicitness_scorer",
            "make_separated_attribute_predictability_scorer",
        ],
        "_ranking": ["udr_scores"],
        "_reproducibility": [
            "latent_space_distortion",
            "linear_map_distortion",
            "retraining_variability",
        ],
        "_rsa": ["rsa_score"],
        "_scorers": [
            "elbo_scorer",
            "make_active_components_scorer",
            "make_polarized_regime_scorer",
            "make_rosetta_scorer",
            "reconstruction_scorer",
        ],
        "_similarity": [
            "cca_score",
            "consistency_score",
            "pairwise_distance",
            "procrustes_distance",
        ],
        "_similarity_scorers": [
            "make_cca_scorer",
            "make_consistency_scorer",
            "make_distortion_scorer",
            "make_linear_cka_scorer",
            "make_linear_map_distortion_scorer",
            "make_procrustes_scorer",
            "make_signed_permutation_scorer",
            "make_udr_scorer",
        ],
    },
)
