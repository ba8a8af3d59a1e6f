"""Views of rows for the transformation-aware VAE, and T: drawn or given, and checked."""

import numpy as np
import torch
from sklearn.utils import check_array

from sklatent._utils.arrays import plain_numbers, to_numbers

_SINGULAR = 1e7  # condition number from which on a matrix has no inverse worth having
_ROUNDING = 1e-5  # how far interpolated pixels may leave [0, 1]


def sample_views(model, x, generator):
    """Draw the views of a batch by the model's transformation, and check them.

    Parameters
    ----------
    model : TransformVAE
        Says what to draw and what suits its likelihood.
    x : Tensor of shape (batch, n_features)
        Rows.
    generator : torch.Generator
        Where to draw from.

    Returns
    -------
    list of Tensor of shape (batch, n_features)
        Forwards and backwards, or `n_views` forwards.
    """
    n_alike = model.rows_per_transformation
    size = len(x) // n_alike
    shared, rest = x[: size * n_alike], x[size * n_alike :]
    start = generator.get_state()
    parts = []
    with torch.no_grad():
        for rows in shared.split(size) if size else ():
            generator.set_state(start)  # the same draws for each block, whatever they are
            parts.append(_sample(model, rows, generator))
        if len(rest):
            parts.append(_sample(model, rest, generator))
    return [torch.cat(same) for same in zip(*parts, strict=True)] if parts[1:] else parts[0]


def _sample(model, x, generator):
    sample, shape = model.transformation.sample, model.image_shape
    if model.n_views is None:
        views = sample(x, generator, image_shape=shape)
    else:
        views = [sample(x, generator, image_shape=shape)[0] for _ in range(model.n_views)]
    return [_check_view(model, view, x) for view in views]


def _check_view(model, view, x):
    """Say what is wrong with one view, or return it, rounding errors clipped away."""
    if not torch.is_tensor(view) or view.shape != x.shape:
        found = tuple(view.shape) if hasattr(view, "shape") else type(view).__name__
        raise ValueError(
            f"transformation={model.transformation!r} returned a view of shape {found}, "
            f"expected a tensor of the shape of its input, {tuple(x.shape)}."
        )
    low, high = (float(value) for value in torch.aminmax(view))
    if not np.isfinite(low) or not np.isfinite(high):
        raise ValueError(
            f"transformation={model.transformation!r} returned NaN or infinity, "
            "expected finite numbers."
        )
    if -_ROUNDING <= low < 0 or 1 < high <= 1 + _ROUNDING:
        inside = view.clamp(0.0, 1.0)
        view = inside if bool(((x >= 0) & (x <= 1)).all()) else view
    try:
        model._find_likelihood().check(view.detach().cpu().numpy(), "views")
    except ValueError as error:
        returned = f"transformation={model.transformation!r} returned values"
        raise ValueError(str(error).replace("views lies", returned)) from error
    return view.to(x.dtype)


def validate_views(model, X_forward, X_inverse):
    """Check the user's own views of the same rows.

    Parameters
    ----------
    model : TransformVAE
        Fitted, or with `n_features_in_` known.
    X_forward, X_inverse : array-like of shape (n_samples, n_features)
        As in :meth:`TransformVAE.fit_triplets`.

    Returns
    -------
    list of ndarray of shape (n_samples, n_features)
        All views.
    """
    if model.n_views is None:
        if X_inverse is None:
            raise ValueError(
                "X_inverse is missing: give each row's view under the inverse as well."
            )
        views = {"X_forward": X_forward, "X_inverse": X_inverse}
    elif X_inverse is not None or len(X_forward) != model.n_views:
        raise ValueError(
            f"n_views={model.n_views} takes a list of {model.n_views} arrays as X_forward and no "
            "X_inverse: its views need no inverse."
        )
    else:
        views = {f"X_forward[{i}]": view for i, view in enumerate(X_forward)}
    views = {
        name: check_array(plain_numbers(view, name), dtype="numeric", input_name=name)
        for name, view in views.items()
    }
    n_rows = len(next(iter(views.values())))
    for name, view in views.items():
        if view.shape != (n_rows, model.n_features_in_):
            raise ValueError(
                f"{name} has shape {view.shape}, expected ({n_rows}, {model.n_features_in_}): "
                "as many rows as the other views, and the features that the model was fitted on."
            )
        model._find_likelihood().check(model._split(view)[0], name)
    return list(views.values())


def validate_change(model, T, n_rows, inverse):
    """Check latent transformations that the user hands back.

    Parameters
    ----------
    model : TransformVAE
        Fitted.
    T : array-like
        As in :meth:`TransformVAE.apply_transformation`.
    n_rows : int
        Rows that it is to move.
    inverse : bool
        Whether backwards, for which a matrix needs an inverse.

    Returns
    -------
    ndarray
        Of the right shape, finite, and applicable.
    """
    d = model.n_components_ // model.latent_columns
    shape = (d,) if model.latent_transformation == "additive" else (d, d)
    T = check_array(
        to_numbers(T, "T"), dtype=np.float64, ensure_2d=False, allow_nd=True, input_name="T"
    )
    if T.shape not in (shape, (1, *shape), (n_rows, *shape)):
        raise ValueError(
            f"T has shape {T.shape}, expected {(n_rows, *shape)}, the "
            f"{model.latent_transformation} transformation of each row, or {shape}, one for all."
        )
    if inverse and model.latent_transformation == "matrix":
        condition = torch.linalg.cond(torch.from_numpy(T), p=1)
        if not bool((condition < _SINGULAR).all()):
            raise ValueError(
                f"T holds a singular matrix (condition number {float(condition.max()):.3g}), "
                "which has no inverse. Apply it forwards only, or infer it from other views."
            )
    return T
