"""How anchors are chosen: clusters of encoded samples and the sample nearest to each centroid.

And what their inputs are: those samples, or what the model decodes in their place.
"""

import numpy as np
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.linear_model import RidgeCV
from sklearn.mixture import GaussianMixture
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _get_feature_names

from sklatent._utils.arrays import plain
from sklatent._utils.names import as_table_like
from sklatent._utils.pipelines import last_step, reconstruct
from sklatent._utils.random import local_random_state
from sklatent._utils.sparse import dense
from sklatent.rosetta._checks import (
    check_array,
    check_held_out_share,
    check_n_points,
    has_means,
)
from sklatent.rosetta._steps import travelling

METHODS = ("kmeans", "agglomerative", "gmm", "random")
# Ward linkage holds all distances between the rows: 4000 rows are 64 MB, 60,000 would be 14 GB.
_MAX_LINKAGE_ROWS = 4000
_INPUTS = ("auto", "data", "decoded")
_MAX_JUDGES = 4096  # rows by which inputs are chosen
_RIDGES = np.logspace(-8, 2, 21)  # relative to the mean variance of the inputs
_PLAINLY = 0.5  # of the error with real rows that decoded ones may leave
_ENOUGH = 0.01  # of the variance: real rows that leave less are kept


def distilled(
    model, X, n_points, method, random_state, inputs, held_out, preprocessing, make_points
):
    """What anchors of a fitted model are made of; see :meth:`RosettaPoints.distill`."""
    for name, value, values in (("method", method, METHODS), ("inputs", inputs, _INPUTS)):
        if not isinstance(value, str) or value not in values:
            raise ValueError(f"{name} must be one of {values}, got {value!r}.")
    check_held_out_share(held_out)
    rng = local_random_state(random_state)
    model, steps = last_step(model)
    if steps and preprocessing is not None:
        raise ValueError(
            "The steps of the Pipeline are the preprocessing that is recorded. Give "
            "preprocessing= only with the model itself, pipeline[-1], and its own inputs."
        )
    seen = plain(X, "X")
    for step in steps:
        seen = step.transform(seen)
    encoded = check_array(model.transform(seen), "model.transform(X)", "(n_samples, any)")
    check_n_points(n_points, len(encoded))
    rows = choose_rows(encoded, n_points, method, rng)
    others = rng.permutation(np.setdiff1d(np.arange(len(encoded)), rows))
    n_held = min(round(held_out * n_points), len(others))
    held, judges = others[:n_held], others[n_held:][:_MAX_JUDGES]

    decode = inputs if _decodes(model, seen, encoded, inputs) else "data"
    if decode == "auto":
        better = _decoded_are_better(model, seen, encoded, rows, np.sort(judges))
        decode = "decoded" if better else "both"
    if steps:
        preprocessing = center_and_scale(np.asarray(X), np.asarray(seen))
        preprocessing["steps"] = " -> ".join(repr(step) for step in steps)
    names = _get_feature_names(seen)
    if names is None:
        names = getattr(model, "feature_names_in_", None)
    further = None
    if n_held:
        pairs = _pairs(model, seen, encoded, held, decode)
        if decode == "decoded":
            pairs = _with_noise(pairs, model, _safe_indexing(seen, held), rng)
        further = make_points(**pairs, feature_names=names)
    return _pairs(model, seen, encoded, rows, decode) | {
        "preprocessing": preprocessing,
        "feature_names": names,
        "steps": travelling(steps),
        "held_out": further,
    }


def _pairs(model, seen, encoded, rows, decode):
    """Inputs and latents of some rows: "data", "decoded" or "both" of them."""
    chosen, Z = _safe_indexing(seen, rows), encoded[rows]
    posterior = model.encode(chosen) if hasattr(model, "encode") else None
    pairs = {
        "X": np.asarray(dense(chosen)),
        "Z": Z,
        # A model that does not return its posterior means has posteriors of something else.
        "posterior": posterior if has_means(posterior, Z) else None,
    }
    if decode != "data":
        told = len(getattr(model, "covariates_", ()))
        decoded = np.asarray(reconstruct(model, chosen) if told else model.inverse_transform(Z))
        pairs["decoded"] = decoded
    if decode == "decoded":
        pairs["X"] = pairs.pop("decoded")
        pairs["encoded"] = np.asarray(model.transform(as_table_like(decoded, chosen)))
    return pairs


def _with_noise(pairs, model, chosen, rng):
    """Judges whose inputs are drawn around what is decoded: rows as noisy as data, of no one.

    What an encoder makes of means says nothing of what it makes of noise.
    """
    papers = getattr(model, "likelihood", None) == "unit_gaussian"  # whose noise is no data's
    if papers or not hasattr(model, "_draw_around"):
        return pairs
    drawn = model._draw_around(pairs["Z"], chosen, rng)
    encoded = np.asarray(model.transform(as_table_like(drawn, chosen)))
    return pairs | {"X": drawn, "encoded": encoded, "decoded": pairs["X"]}


def _decodes(model, seen, encoded, inputs):
    """Whether a model decodes latents to inputs; an error if it has to and does not."""
    if inputs == "data":
        return False
    if inputs == "auto" and not hasattr(model, "encode"):
        return False
    if hasattr(model, "inverse_transform"):
        shape = np.shape(model.inverse_transform(encoded[:1]))
        if shape == (1, np.shape(seen)[1]):
            return True
    if inputs == "auto":
        return False
    raise ValueError(
        f'inputs="decoded" needs a model whose inverse_transform gives its inputs; '
        f'{type(model).__name__} has none. Take inputs="data".'
    )


def _decoded_are_better(model, seen, encoded, rows, judges):
    """Whether a linear map through decoded anchors places other rows plainly better."""
    if len(judges) < 2:
        return False
    as_seen = getattr(model, "_as_seen", np.asarray)
    target = encoded[judges].astype(np.float64)
    variance = target.var(axis=0).sum()
    there = np.asarray(as_seen(_safe_indexing(seen, judges)), dtype=np.float64)
    errors = []
    for decode in ("data", "decoded"):
        pairs = _pairs(model, seen, encoded, rows, decode)
        x = np.asarray(as_seen(as_table_like(pairs["X"], seen)), dtype=np.float64)
        unit = np.square(x - x.mean(axis=0)).sum() / min(x.shape)
        if len(x) < 2 or not unit:
            return False
        found = RidgeCV(_RIDGES * unit).fit(x, pairs.get("encoded", pairs["Z"])).predict(there)
        errors.append(np.square(found.reshape(target.shape) - target).mean(axis=0).sum())
    return errors[0] > _ENOUGH * variance and errors[1] < _PLAINLY * errors[0]


def choose_rows(Z, n_points, method, rng):
    """Indices of `n_points` different rows of Z, chosen by one of `METHODS`."""
    if method == "random":
        return rng.choice(len(Z), n_points, replace=False)
    return nearest_distinct_rows(Z, centroids(Z, n_points, method, rng))


def centroids(Z, n_points, method, rng):
    """Centroids of n_points clusters of the encoded samples, `(n_points, n_components)`."""
    Z = Z.astype(np.float64, copy=False)
    if method == "kmeans":
        return KMeans(n_points, n_init=3, random_state=rng).fit(Z).cluster_centers_
    if method == "gmm":
        # Relative to the data's spread, so that anchors do not depend on the latents' unit.
        ridge = 1e-6 * (Z.var(axis=0).mean() or 1.0)
        return GaussianMixture(n_points, reg_covar=ridge, random_state=rng).fit(Z).means_
    size = max(_MAX_LINKAGE_ROWS, n_points)
    if len(Z) > size:
        Z = Z[rng.choice(len(Z), size, replace=False)]
    if n_points == len(Z):
        return Z
    labels = AgglomerativeClustering(n_points, linkage="ward").fit_predict(Z)
    members = labels == np.arange(n_points)[:, None]
    return members.astype(Z.dtype) @ Z / members.sum(axis=1, keepdims=True)


def nearest_distinct_rows(Z, centers):
    """The row of Z nearest to each centroid, no row twice: closest pairs first.

    One centroid can lose at most the other centroids' rows, so its n_centers nearest rows are
    candidates enough.
    """
    n_candidates = min(len(centers), len(Z))
    candidates = np.empty((len(centers), n_candidates), dtype=np.intp)
    distances = np.empty(candidates.shape)
    for i, center in enumerate(centers):
        # Differences, not the expanded square: near a centroid that would cancel.
        squared = ((Z - center) ** 2).sum(axis=1, dtype=np.float64)
        candidates[i] = np.argpartition(squared, n_candidates - 1)[:n_candidates]
        distances[i] = squared[candidates[i]]
    # By distance; ties by the sample's index, then by the centroid's.
    owner = np.broadcast_to(np.arange(len(centers))[:, None], candidates.shape)
    order = np.lexsort((owner.ravel(), candidates.ravel(), distances.ravel()))
    rows = np.full(len(centers), -1, dtype=np.intp)
    taken = set()
    for i, row in zip(owner.ravel()[order], candidates.ravel()[order], strict=True):
        if rows[i] < 0 and row not in taken:
            rows[i] = row
            taken.add(row)
    return rows


def center_and_scale(raw, inputs):
    """The centre and scale with which `inputs = (raw - center) / scale`; {} if there are none.

    Read off two rows for each feature (its least and its greatest value) and checked on a thousand.
    """
    numeric = raw.dtype.kind in "biuf" and inputs.dtype.kind in "biuf"
    if not numeric or raw.shape != inputs.shape:
        return {}
    low, high = raw.argmin(axis=0), raw.argmax(axis=0)
    columns = np.arange(raw.shape[1])
    raw_low, raw_high, input_low, input_high = (
        X[rows, columns].astype(np.float64) for X in (raw, inputs) for rows in (low, high)
    )
    constant = raw_low == raw_high
    # A NaN (imputed by the steps, say) or an infinity is no affine map and fails the check below.
    with np.errstate(all="ignore"):
        # A constant feature says where it goes, but not how it would be scaled.
        scale = np.where(constant, 1.0, (raw_high - raw_low) / (input_high - input_low))
        center = raw_low - input_low * scale
        some = np.unique(np.linspace(0, len(raw) - 1, 1000).astype(np.intp))
        expected = inputs[some].astype(np.float64)
        error = np.abs((raw[some] - center) / scale - expected)
    size = np.abs(expected).max(axis=0)
    affine = np.isfinite(scale) & (error <= 1e-5 * size + 1e-9 * size.max())
    return {"center": center, "scale": scale} if affine.all() else {}
