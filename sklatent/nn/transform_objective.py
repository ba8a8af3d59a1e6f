"""What the transformation-aware VAE minimises: equation 3 of its paper, with the coherence term.

To which divergences of the views' posteriors come: a discrepancy of one draw has no entropy, so
that nothing else keeps these posteriors from becoming points.
"""

import torch

from sklatent.nn.discrepancies import batch_discrepancy, paired_discrepancy
from sklatent.nn.objectives import elbo_terms
from sklatent.nn.transform import move_latents


def transformation_terms(module, views, step, *, discrepancy, n_draws=1, rows_per_transformation=1):
    """Terms of the objective on one batch, each a mean over rows.

    Parameters
    ----------
    module : TransformModule
        The networks.
    views : list of Tensor of shape (..., batch, n_features)
        The rows themselves, then their views.
    step : object
        The step of training: `hyper` with ``beta``, ``coherence_weight`` and
        ``view_divergence_weight``, and `streams` of random numbers.
    discrepancy : {"per_datum", "batch"}
        The reading of D.
    n_draws : int, default=1
        Draws of latents that discrepancies are measured with.
    rows_per_transformation : int, default=1
        Rows that underwent each transformation, and exchange what is inferred of it.

    Returns
    -------
    dict of str to Tensor of shape (...)
        ``reconstruction``, ``kl``, ``views``, ``view_kl``, ``coherence``, ``prior`` and
        ``discrepancy``.
    """
    n, d, streams = views[0].shape[-2], module.n_components, step.streams

    # The datum and its views go through each network together, and so do all draws.
    posterior = module.encode_all(views)
    n_all = n * len(views)
    draws = [posterior.sample(streams.normal(n_all, d)).split(n, -2) for _ in range(n_draws)]
    _, *z_views = (torch.cat(same, -2) for same in zip(*draws, strict=True))
    joint = torch.cat(z_views, -1)
    z = module.between(joint).sample(streams.normal(joint.shape[-2], d))
    changes = module.infer(joint)
    if rows_per_transformation > 1:
        lenders = lenders_of(n, rows_per_transformation, n_draws, z.device)
        changes = [change.index_select(z.ndim - 2, lenders) for change in changes]

    # Only the first draw is decoded, and each row either from z_0 or from z: which of them come
    # first is chance, so both means stand for all rows, and a whole decoding is saved.
    half = (n + 1) // 2
    x, z_0, first, last = views[0], draws[0][0], slice(half), slice(n - half, n)
    own = torch.cat([z_0[..., first, :], z[..., last, :]], -2)
    own_targets = torch.cat([x[..., first, :], x[..., last, :]], -2)
    every = torch.arange(n, device=x.device)
    rows = [torch.cat([every[first], every[last]]), *[every] * len(z_views)]
    output = module.decode_all([own, *draws[0][1:]], rows)
    targets = torch.cat([own_targets, *views[1:]], -2)
    log_likelihood = module.likelihood.log_prob(targets, output)
    datum, from_between, of_views = log_likelihood.split([half, half, len(z_views) * n], -1)

    weight = step.hyper["coherence_weight"]
    kl, kl_of_views = posterior.kl().split([n, len(z_views) * n], -1)
    terms = elbo_terms(datum, kl, step.hyper["beta"])
    terms["views"] = -of_views.sum(-1) / n
    terms["view_kl"] = step.hyper["view_divergence_weight"] * kl_of_views.sum(-1) / n
    terms["coherence"] = -from_between.mean(-1)
    terms["prior"] = weight * batch_discrepancy(z, streams.normal(joint.shape[-2], d))
    moved = _moved(module.kind, z, changes, len(z_views))
    terms["discrepancy"] = weight * sum(
        _discrepancy(discrepancy, z_view, z_moved, n)
        for z_view, z_moved in zip(z_views, moved, strict=True)
    )
    return terms


def lenders_of(n, rows_per_transformation, n_draws, device):
    """For each row the one whose T it borrows: the next under the same transformation.

    Parameters
    ----------
    n : int
        Rows of the batch. Its i-th, (i + n // rows_per_transformation)-th and so on undergo the
        same transformation; a remainder at the end has its own and keeps it.
    rows_per_transformation : int
        Rows that undergo each transformation.
    n_draws : int
        Draws, one after the other.
    device : torch.device
        Where the result is wanted.

    Returns
    -------
    Tensor of shape (n_draws * n,), integer
        Indices of rows.
    """
    size = n // rows_per_transformation
    index = torch.arange(n, device=device)
    shared = size * rows_per_transformation
    index = torch.cat([index[:shared].roll(-size), index[shared:]])
    return (index + n * torch.arange(n_draws, device=device)[:, None]).flatten()


def _moved(kind, z, changes, n_views):
    """Latents of all views, as the generative model makes them from ``z``."""
    if n_views > len(changes):  # one transformation, forwards and backwards
        return [move_latents(kind, z, changes[0], inverse) for inverse in (False, True)]
    return [move_latents(kind, z, change) for change in changes]


def _discrepancy(reading, z_view, z_moved, n):
    """One of the two readings of D, over rows that hold the draws one after the other."""
    if reading == "batch":
        return batch_discrepancy(z_view, z_moved)
    return paired_discrepancy(z_view.unflatten(-2, (-1, n)), z_moved.unflatten(-2, (-1, n)))
