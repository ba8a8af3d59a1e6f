"""How anchors are chosen: clusters of encoded samples and the sample nearest to each centroid."""

import numpy as np
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.mixture import GaussianMixture

METHODS = ("kmeans", "agglomerative", "gmm", "random")
# Ward linkage holds all distances between the rows: 4000 rows are 64 MB, 60,000 would be 14 GB.
_MAX_LINKAGE_ROWS = 4000


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
