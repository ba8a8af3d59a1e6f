"""Every model of the tables, trained over seeds."""

import numpy as np
from sklearn.base import clone

from benchmarks._common import PAPERS
from benchmarks.papers.ensemble.measures import compare, compare_separate, disentanglement
from sklatent import DIPVAE, VAE, BetaTCVAE, FactorVAE, VAEEnsemble
from sklatent.metrics import (
    polarized_regime,
)

JUDGED = 5000  # rows on which latent spaces are compared


def stages(model, X, epochs):
    """Train up to each number of epochs in turn, yielding the model there."""
    model = clone(model).set_params(warm_start=True)
    done = 0
    for total in epochs:
        model.set_params(max_epochs=total - done).fit(X)
        done = total
        yield total, model


def models_of(scale):
    """Every model of tables 1 and 2 by name."""
    network = {**PAPERS, **scale.network, "likelihood": "bernoulli"}
    found = {"VAE": VAE(**network), "beta-TCVAE (beta 4)": BetaTCVAE(**network, beta=4.0)}
    if not scale.beside:
        return found | ensembles(scale, network)
    found |= {
        "beta-VAE (beta 4)": VAE(**network, beta=4.0),
        "FactorVAE (gamma 40)": FactorVAE(
            **network, gamma=40.0, discriminator_layer_sizes=scale.discriminator
        ),
        "DIP-VAE-I": DIPVAE(**network, kind="i", lambda_od=5.0, lambda_d=50.0),
        "DIP-VAE-II": DIPVAE(**network, kind="ii", lambda_od=5.0, lambda_d=5.0),
    }
    ours = {name: value for name, value in network.items() if name not in PAPERS}
    found["our defaults, VAE"] = VAE(**ours)
    found["our defaults, ensemble of 2"] = VAEEnsemble(**ours, n_estimators=2, gamma=10.0)
    return found | ensembles(scale, network)


def ensembles(scale, network):
    """Every cell of tables 1 and 2, and the ablation."""
    found = {
        f"ensemble of {n}, gamma {gamma:g}": VAEEnsemble(**network, n_estimators=n, gamma=gamma)
        for gamma in scale.gammas
        for n in scale.members
    }
    if not scale.members:
        return found
    two = VAEEnsemble(**network, n_estimators=2, gamma=10.0)
    found["of 2, no cross-reconstruction"] = clone(two).set_params(cross_reconstruction=False)
    found["of 2, no linear transformation"] = clone(two).set_params(linear_transformation=False)
    return found


def study(model, X, factors, scale):
    """Train one model over seeds; what the tables need of it, by stage."""
    judged = X[np.random.default_rng(0).permutation(len(X))[:JUDGED]]
    found = {"course": {}, "scores": [], "spread": [], "regime": []}
    trained = {}
    # Annealing and early stopping, where a model has them, are of one training without a stop.
    looked_at = scale.epochs if model.annealing == 0 else scale.epochs[-1:]
    for seed in range(scale.seeds):
        seeded = clone(model).set_params(random_state=seed)
        for epochs, stage in stages(seeded, X, looked_at):
            if isinstance(stage, VAEEnsemble):
                result = compare(stage.estimators_, judged, stage.linear_maps_)
                found["course"].setdefault(epochs, []).append(result)
            else:
                trained.setdefault(epochs, []).append(Snapshot(stage, judged))
        members = getattr(stage, "estimators_", [stage])
        scores = [disentanglement(m, X, factors, scale.trees, seed) for m in members]
        found["scores"].append(scores[0])
        found["spread"].append(np.std(scores, axis=0))
        regimes = [np.sort(polarized_regime(m.encode(judged))) for m in members]
        found["regime"].append(np.array(regimes))
    for epochs, snapshots in trained.items():
        found["course"][epochs] = compare_separate(snapshots, judged)
    return found


class Snapshot:
    """The latents of a model as it now is, since its training goes on."""

    def __init__(self, model, X):
        self.latents = model.transform(X)

    def transform(self, X):
        """Return them: X is what they are of."""
        return self.latents
