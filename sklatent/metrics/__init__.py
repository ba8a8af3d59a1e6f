"""Metrics of latent spaces: how reproducible, alike and disentangled they are, and scorers.

Metrics are functions of plain arrays. Scorers are callables ``scorer(estimator, X, y=None)``,
greater is better, for scikit-learn's searches and cross-validation.
"""

from typing import TYPE_CHECKING

from sklatent._utils.lazy import attach

if TYPE_CHECKING:  # what the table below says, for editors and type checkers
    from sklatent.metrics._bures import bures_distance as bures_distance
    from sklatent.metrics._cka import linear_cka as linear_cka
    from sklatent.metrics._disentanglement import dci_from_importances as dci_from_importances
    from sklatent.metrics._disentanglement import dci_scores as dci_scores
    from sklatent.metrics._factor_scorers import make_beta_vae_scorer as make_beta_vae_scorer
    from sklatent.metrics._factor_scorers import make_factor_vae_scorer as make_factor_vae_scorer
    from sklatent.metrics._factor_scorers import (
        make_interventional_robustness_scorer as make_interventional_robustness_scorer,
    )
    from sklatent.metrics._factor_scorers import make_modularity_scorer as make_modularity_scorer
    from sklatent.metrics._factor_scorers import (
        make_mutual_information_gap_scorer as make_mutual_information_gap_scorer,
    )
    from sklatent.metrics._information import modularity_score as modularity_score
    from sklatent.metrics._information import mutual_information_gap as mutual_information_gap
    from sklatent.metrics._intervention import beta_vae_score as beta_vae_score
    from sklatent.metrics._intervention import factor_vae_score as factor_vae_score
    from sklatent.metrics._intervention import (
        interventional_robustness_score as interventional_robustness_score,
    )
    from sklatent.metrics._neighborhood_scorers import make_bures_scorer as make_bures_scorer
    from sklatent.metrics._neighborhood_scorers import make_cknna_scorer as make_cknna_scorer
    from sklatent.metrics._neighborhood_scorers import (
        make_mutual_knn_scorer as make_mutual_knn_scorer,
    )
    from sklatent.metrics._neighborhood_scorers import (
        make_neighborhood_jaccard_scorer as make_neighborhood_jaccard_scorer,
    )
    from sklatent.metrics._neighborhood_scorers import make_rsa_scorer as make_rsa_scorer
    from sklatent.metrics._neighborhoods import cknna_score as cknna_score
    from sklatent.metrics._neighborhoods import mutual_knn_score as mutual_knn_score
    from sklatent.metrics._neighborhoods import (
        neighborhood_jaccard_score as neighborhood_jaccard_score,
    )
    from sklatent.metrics._permutation import (
        distance_to_signed_permutation as distance_to_signed_permutation,
    )
    from sklatent.metrics._permutation import signed_permutation_report as signed_permutation_report
    from sklatent.metrics._posterior import active_components as active_components
    from sklatent.metrics._posterior import polarized_regime as polarized_regime
    from sklatent.metrics._prediction import explicitness_score as explicitness_score
    from sklatent.metrics._prediction import (
        separated_attribute_predictability as separated_attribute_predictability,
    )
    from sklatent.metrics._prediction_scorers import make_dci_scorer as make_dci_scorer
    from sklatent.metrics._prediction_scorers import (
        make_explicitness_scorer as make_explicitness_scorer,
    )
    from sklatent.metrics._prediction_scorers import (
        make_separated_attribute_predictability_scorer as make_separated_attribute_predictability_scorer,
    )
    from sklatent.metrics._ranking import udr_scores as udr_scores
    from sklatent.metrics._reproducibility import latent_space_distortion as latent_space_distortion
    from sklatent.metrics._reproducibility import linear_map_distortion as linear_map_distortion
    from sklatent.metrics._reproducibility import retraining_variability as retraining_variability
    from sklatent.metrics._rsa import rsa_score as rsa_score
    from sklatent.metrics._scorers import elbo_scorer as elbo_scorer
    from sklatent.metrics._scorers import (
        make_active_components_scorer as make_active_components_scorer,
    )
    from sklatent.metrics._scorers import (
        make_polarized_regime_scorer as make_polarized_regime_scorer,
    )
    from sklatent.metrics._scorers import make_rosetta_scorer as make_rosetta_scorer
    from sklatent.metrics._scorers import reconstruction_scorer as reconstruction_scorer
    from sklatent.metrics._similarity import cca_score as cca_score
    from sklatent.metrics._similarity import consistency_score as consistency_score
    from sklatent.metrics._similarity import pairwise_distance as pairwise_distance
    from sklatent.metrics._similarity import procrustes_distance as procrustes_distance
    from sklatent.metrics._similarity_scorers import make_cca_scorer as make_cca_scorer
    from sklatent.metrics._similarity_scorers import (
        make_consistency_scorer as make_consistency_scorer,
    )
    from sklatent.metrics._similarity_scorers import (
        make_distortion_scorer as make_distortion_scorer,
    )
    from sklatent.metrics._similarity_scorers import (
        make_linear_cka_scorer as make_linear_cka_scorer,
    )
    from sklatent.metrics._similarity_scorers import (
        make_linear_map_distortion_scorer as make_linear_map_distortion_scorer,
    )
    from sklatent.metrics._similarity_scorers import (
        make_procrustes_scorer as make_procrustes_scorer,
    )
    from sklatent.metrics._similarity_scorers import (
        make_signed_permutation_scorer as make_signed_permutation_scorer,
    )
    from sklatent.metrics._similarity_scorers import make_udr_scorer as make_udr_scorer

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
