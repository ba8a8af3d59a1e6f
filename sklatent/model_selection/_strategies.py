"""Ways in which a model learns new rows while its map stays, and what each has done to the map."""

import numpy as np
from sklearn.base import clone

from sklatent._utils.names import as_table_like
from sklatent.alignment import LinearAligner
from sklatent.models import VAE, RosettaVAE
from sklatent.models._growth import settle

STRATEGIES = ("freeze", "warm_start", "rosetta", "align")


def is_ours(model):
    """Whether a model can be held by anchors."""
    return type(model) in (VAE, RosettaVAE)


def possible_strategies(model):
    """Those that a model can be updated by."""
    return list(STRATEGIES) if is_ours(model) else ["freeze", "align"]


def learn(strategy, model, aligner, points, rho, inputs):
    """A model of new rows, by one strategy.

    Parameters
    ----------
    strategy : str
        One of `STRATEGIES`.
    model, aligner : estimator, LinearAligner or None
        The present model, and what brings its latents into the map.
    points : RosettaPoints
        Anchors, of the width of the inputs.
    rho : float
        Their weight.
    inputs : array or frame of shape (n_samples, n_features)
        New rows, as the model takes them.

    Returns
    -------
    model, aligner : estimator, LinearAligner or None
    """
    if strategy == "align":
        model = _plain(model).fit(inputs)
        latents = np.asarray(model.transform(as_table_like(points.X, inputs)))
        return model, LinearAligner().fit(latents, points.encoded)
    if not is_ours(model) or (strategy == "freeze" and aligner is not None):
        return model, aligner
    parameters = model.get_params(deep=False)
    init = parameters["init"]
    parameters |= {
        "rosetta_points": points,
        "rho": rho,
        "encoder_weight": "auto",
        "decoder_weight": 1.0,
        "warm_start": False,
    }
    if strategy != "rosetta" and aligner is None:
        parameters["init"] = model
    model = RosettaVAE(**parameters)
    model._keeps_encoder = strategy == "freeze"
    model.fit(inputs)
    del model._keeps_encoder
    # The model that it started from is not to be kept by every one after it.
    model.init = model.net_.made_with["init"] = init
    return model, None


def learn_covariates(model, inputs, n_new):
    """The same model, told of further columns: only what it makes of these is learned.

    Parameters
    ----------
    model : VAE or RosettaVAE
        Fitted.
    inputs : array or frame of shape (n_samples, n_features + n_new)
        New rows, with the new covariates behind the columns that the model knows.
    n_new : int
        How many.

    Returns
    -------
    RosettaVAE
        Without anchors, since nothing that could move them is trained.
    """
    n_features = inputs.shape[1]
    parameters = model.get_params(deep=False)
    told = [*model.covariates_, *range(n_features - n_new, n_features)]
    grown = RosettaVAE(**parameters | {"covariates": list(map(int, told)), "warm_start": False})
    grown.rosetta_points = None
    grown._grows_from = model
    grown.fit(inputs)
    settle(grown.net_.module_, model.net_.module_)
    del grown._grows_from
    return grown


def judged(place, there, found, points, train, judges):
    """How far a map has moved, and how well new rows are modelled.

    Parameters
    ----------
    place : callable
        From a model, the aligner behind it and rows to coordinates.
    there : ndarray of shape (n_samples, n_components)
        Where the present model has the rows to learn from.
    found : tuple
        Model and aligner, learned.
    points : RosettaPoints
        Anchors.
    train, judges : array or frame
        New rows to learn from, and to judge the bound by.

    Returns
    -------
    dict
        As in ``IncrementalMap.shift_``, and "worth", by which strategies are compared.
    """
    model, aligner = found
    held = points if points.held_out is None else points.held_out
    squares = [
        np.square(place(model, aligner, rows) - expected, dtype=np.float64).mean(axis=0)
        for rows, expected in (
            (as_table_like(held.X, judges), held.encoded),
            # Rows that were trained on are where memory shows.
            (train, there),
        )
    ]
    spread = float(points.encoded.var(axis=0, dtype=np.float64).sum()) or 1.0
    nats = max(float((there / _variances(points)).sum()) / 2 for there in squares)
    bound = float(model.score(judges)) if hasattr(model, "score") else None
    return {
        "moved": float(squares[0].sum()) / spread,
        "moved_new": float(squares[1].sum()) / spread,
        "moved_nats": nats,
        "bound": bound,
        "worth": (bound or 0.0) - nats,
    }


def _plain(model):
    """The first model anew, without anchors."""
    if type(model) is not RosettaVAE:
        return clone(model)
    parameters = model.get_params(deep=False)
    return VAE(**{name: parameters[name] for name in VAE().get_params(deep=False)})


def _variances(points):
    """Of the anchors' posteriors, along each component."""
    posterior = points.posterior
    if posterior is None:
        return np.maximum(points.Z.var(axis=0), np.finfo(float).tiny)
    diagonal = np.diagonal(posterior.covariance, axis1=-2, axis2=-1)
    return np.asarray(diagonal, dtype=np.float64).mean(axis=0)
