"""The transformation-aware VAE: known transformations shape the latent space."""

from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import _fit_context
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from sklatent._utils.sparse import dense
from sklatent.models._base import LatentModel
from sklatent.models._fitting import fit_model
from sklatent.models._parameters import document
from sklatent.models._transform_use import TransformationMixin
from sklatent.models._transform_views import sample_views, validate_views
from sklatent.nn.transform import TransformModule
from sklatent.nn.transform_objective import transformation_terms


@document()
class TransformVAE(TransformationMixin, LatentModel):
    """VAE that learns transformations of its inputs as transformations of its latents.

    Each row is seen with two views of it, forwards and backwards under a random transformation:
    ``x_1 = f(x)`` and ``x_2 = f^-1(x)``. The model explains all three: from a latent `z`, the
    views' latents are ``z_1 = z + T`` and ``z_2 = z - T`` (or ``T z`` and ``T^-1 z``), where T is
    inferred from the views. A latent space shaped like that keeps its meaning on data from another
    domain that varies in the same ways.

    Parameters
    ----------
    {n_components}
    transformation : transformation, default=None
        Draws the views, anew for each batch: one of :mod:`sklatent.transformations`, or any object
        whose ``sample(X, generator, image_shape=...)`` maps a tensor to the two views. None gives a
        plain VAE, unless the views are given to :meth:`fit_triplets`.
    latent_transformation : {"additive", "matrix"}, default="additive"
        What T is: a vector that is added, or a matrix that is multiplied by, with the identity near
        at the start and the inverse by solving.
    discrepancy : {"per_datum", "batch"}, default="per_datum"
        Between which draws the maximum mean discrepancy of a view's latent from where T takes `z`
        is measured: those of the same row, or the two clouds of the whole batch, which nothing
        then pairs.
    coherence_weight : float, default=10.0
        Weight of the discrepancies, bounded by 2 each, beside reconstructions in nats.
    view_divergence_weight : float, default=1.0
        Weight of the divergences of the views' posteriors from the prior. With 0, the paper's,
        nothing keeps them from becoming points: then what `encode`, `score` and `log_likelihood`
        say of rows that look like views means nothing.
    n_views : int, default=None
        None draws one view forwards and one backwards. A number draws that many views forwards
        only, each by a transformation of its own, that need no inverse; each has a T of its own.
    n_draws : int, default=1
        Draws of each row's latents that discrepancies are measured with.
    rows_per_transformation : int, default=1
        Rows of a batch that undergo the same transformation. With 1, the paper's, T may and does
        say different things of different rows, and moves another row badly. With 2 or more, each
        row is moved by the T inferred from another one: what a T says then holds for every row.
    latent_columns : int, default=1
        Columns of the matrix that `z` is, of ``n_components / latent_columns`` rows, where T is a
        matrix of as many rows. 1 leaves `z` a vector.
    latent_layer_sizes : tuple of int, default=(1000, 1000)
        Hidden widths of the two networks between latents, for `z` and for T.
    {shared parameters}

    Attributes
    ----------
    {shared attributes}
    n_views_ : int
        Views of each row that the model learned from; 0 without transformations.

    Notes
    -----
    Minimised is, as a mean over rows (equation 3 of [1]_, with the coherence term F in place of its
    second line)::

        - log p(x | z_0) - log p(x_1 | z_1) - log p(x_2 | z_2)
        + w D[q(z_1 | x_1), z + T] + w D[q(z_2 | x_2), z - T] + w D[q(z | z_1, z_2), N(0, I)]
        - log p(x | z) + beta KL[q(z_0 | x), N(0, I)]
        + v KL[q(z_1 | x_1), N(0, I)] + v KL[q(z_2 | x_2), N(0, I)]

    with w the `coherence_weight` and v the `view_divergence_weight`; the last line is not in the
    paper. Without it both discrepancies vanish for any encoder whatever, with `z` half-way between
    the views' latents and T half their difference, and posteriors become points. One half of a
    batch, by chance, is reconstructed from z_0 and the other from `z`, each standing for all rows:
    three decodings instead of four. D is the squared maximum mean discrepancy under a mixture of
    inverse multiquadrics, ``k(a, b) = mean_s s c / (s c + |a - b|^2)``, ``c = 2 n_components``, s =
    0.01, 0.1, 1, 10. The paper doesn't say over what it is taken. The expectation in its equation
    is that of one datum, hence "per_datum": with one draw, ``2 - 2 k(z_1, z + T)``. The divergence
    of `z` from the prior is over the batch and unbiased. The paper trains with
    ``architecture="conv_tvae"``, ``likelihood="bernoulli"``, ``batch_size=100``, 200 epochs and a
    learning rate of 1e-4 that is halved every 50 epochs.

    Views are not part of the bound that :meth:`score` and :meth:`log_likelihood` report: those are
    of the datum under the ordinary posterior, as for any VAE.

    References
    ----------
    .. [1] Giannone, Masci & Osendorfer, No representation without transformation, 2019,
       equations 1 to 3 and appendix B.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklatent import TransformVAE
    >>> from sklatent.transformations import RandomRotation
    >>> X = load_digits().data / 16
    >>> model = TransformVAE(
    ...     8,
    ...     transformation=RandomRotation(45),
    ...     image_shape=(1, 8, 8),
    ...     likelihood="bernoulli",
    ...     latent_layer_sizes=(100,),
    ...     max_epochs=2,
    ...     random_state=0,
    ... ).fit(X)
    >>> X_forward, X_inverse = model.transformation.sample(X, 0, image_shape=(1, 8, 8))
    >>> T = model.infer_transformation(X_forward, X_inverse)
    >>> T.shape, model.apply_transformation(X, T).shape
    ((1797, 8), (1797, 64))
    """

    _parameter_constraints = LatentModel._parameter_constraints | {
        "transformation": [HasMethods("sample"), None],
        "latent_transformation": [StrOptions({"additive", "matrix"})],
        "discrepancy": [StrOptions({"per_datum", "batch"})],
        "coherence_weight": [Interval(Real, 0, None, closed="left")],
        "view_divergence_weight": [Interval(Real, 0, None, closed="left")],
        "n_views": [Interval(Integral, 1, None, closed="left"), None],
        "n_draws": [Interval(Integral, 1, None, closed="left")],
        "rows_per_transformation": [Interval(Integral, 1, None, closed="left")],
        "latent_columns": [Interval(Integral, 1, None, closed="left")],
        "latent_layer_sizes": ["array-like"],
    }
    _loss_hyperparameters = ("beta", "coherence_weight", "view_divergence_weight")
    _divergences = ("kl", "view_kl")
    _may_decode_quickly = True
    _shaping_parameters = (
        "latent_transformation",
        "latent_columns",
        "latent_layer_sizes",
    )
    _weighs_rows = False

    def __init__(
        self,
        n_components=10,
        *,
        transformation=None,
        latent_transformation="additive",
        discrepancy="per_datum",
        coherence_weight=10.0,
        view_divergence_weight=1.0,
        n_views=None,
        n_draws=1,
        rows_per_transformation=1,
        latent_columns=1,
        latent_layer_sizes=(1000, 1000),
        architecture="mlp",
        hidden_layer_sizes=(256, 256),
        activation="silu",
        init="pca",
        image_shape=None,
        posterior="diagonal",
        likelihood="gaussian",
        covariates=None,
        missing="error",
        beta=1.0,
        warmup_epochs=0,
        max_epochs=100,
        batch_size=128,
        learning_rate=1e-3,
        optimizer="adam",
        early_stopping="auto",
        validation_fraction=0.1,
        patience=10,
        annealing=0.25,
        augmentation=None,
        callbacks=None,
        checkpoint_dir=None,
        warm_start=False,
        precision="float32",
        device="auto",
        random_state=None,
        verbose=0,
    ):
        super().__init__(
            n_components,
            architecture=architecture,
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            init=init,
            image_shape=image_shape,
            posterior=posterior,
            likelihood=likelihood,
            covariates=covariates,
            missing=missing,
            beta=beta,
            warmup_epochs=warmup_epochs,
            max_epochs=max_epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            optimizer=optimizer,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            patience=patience,
            annealing=annealing,
            augmentation=augmentation,
            callbacks=callbacks,
            checkpoint_dir=checkpoint_dir,
            warm_start=warm_start,
            precision=precision,
            device=device,
            random_state=random_state,
            verbose=verbose,
        )
        self.transformation = transformation
        self.latent_transformation = latent_transformation
        self.discrepancy = discrepancy
        self.coherence_weight = coherence_weight
        self.view_divergence_weight = view_divergence_weight
        self.n_views = n_views
        self.n_draws = n_draws
        self.rows_per_transformation = rows_per_transformation
        self.latent_columns = latent_columns
        self.latent_layer_sizes = latent_layer_sizes

    def _build_module(self, n_features):
        if self.n_views_ == 0:
            return super()._build_module(n_features)
        return TransformModule.build(self, n_features)

    def _validate_training_data(self, X, reset):
        X = super()._validate_training_data(X, reset)
        n_views = 0 if self.transformation is None else self.n_views or 2
        if reset:
            self.n_views_ = n_views
        elif n_views not in (0, self.n_views_):
            raise ValueError(
                f"The model was trained on {self.n_views_} views of each row and cannot go on with "
                f"{n_views}: set warm_start=False to fit it anew."
            )
        return X

    def _objective(self, module, batch, step):
        if self.n_views_ == 0:
            return super()._objective(module, batch, step)
        return transformation_terms(
            module,
            self._views(batch, step),
            step,
            discrepancy=self.discrepancy,
            n_draws=self.n_draws,
            rows_per_transformation=self.rows_per_transformation,
        )

    def _views(self, batch, step):
        """The datum and its views, each ``(..., batch, n_features)``."""
        x = batch.x
        if batch.views is not None:
            return [x, *batch.views]
        if self.transformation is None:
            raise ValueError(
                "This model was fitted by fit_triplets and has no transformation to draw views "
                "with: continue with fit_triplets, or set transformation."
            )
        if not step.streams.stacked:
            return [x, *sample_views(self, x, step.streams.generator)]
        members = [
            sample_views(self, rows, generator)
            for rows, generator in zip(x, step.streams.generators, strict=True)
        ]
        return [x, *(torch.stack(view) for view in zip(*members, strict=True))]

    def _check_parameters(self, X):
        self._check_latent_columns()
        sizes = np.asarray(self.latent_layer_sizes)
        if sizes.ndim != 1 or sizes.dtype.kind not in "iu" or np.any(sizes < 1):
            raise ValueError(
                f"latent_layer_sizes={self.latent_layer_sizes!r} must be a sequence of widths, "
                "integers of 1 at least."
            )
        if self.rows_per_transformation > self.batch_size:
            raise ValueError(
                f"rows_per_transformation={self.rows_per_transformation} is more than a batch of "
                f"{self.batch_size}: lower it, or raise batch_size."
            )
        if self.transformation is not None:
            self._check_batch(X)
            generator = torch.Generator().manual_seed(0)
            rows = np.array(dense(self._split(X[: self.batch_size])[0]), dtype=np.float64)
            sample_views(self, torch.from_numpy(rows), generator)

    def _check_latent_columns(self):
        if self.latent_columns == 1:
            return
        if self.latent_transformation == "additive":
            raise ValueError(
                f"latent_columns={self.latent_columns} makes z a matrix, which only a matrix "
                'multiplies: set latent_transformation="matrix", or latent_columns=1.'
            )
        if self.n_components % self.latent_columns:
            raise ValueError(
                f"n_components={self.n_components} do not make a matrix of latent_columns="
                f"{self.latent_columns}: set n_components to a multiple of it."
            )

    def _check_batch(self, X):
        """The divergence from the prior is that of a batch, which there has to be."""
        if X.shape[0] < self.batch_size:
            raise ValueError(
                f"X has {X.shape[0]} rows, fewer than one batch of {self.batch_size}, over which "
                f"the discrepancy from the prior is measured. Set batch_size to {X.shape[0]} or "
                "less."
            )

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_triplets(self, X, X_forward, X_inverse=None):
        """Learn from the user's own triplets, whatever made them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data.
        X_forward : array-like of shape (n_samples, n_features)
            Each row transformed. With `n_views`, a list of that many such arrays.
        X_inverse : array-like of shape (n_samples, n_features), default=None
            Each row under the inverse of the same transformation. None with `n_views`.

        Returns
        -------
        self : object
            The fitted model.

        Raises
        ------
        ValueError
            If the views do not fit X or each other; the message says which.
        """
        resume = self.warm_start and hasattr(self, "net_")
        X = self._validate_training_data(X, reset=not resume)
        self._check_batch(X)
        if self.augmentation is not None:
            raise ValueError(
                "augmentation would turn a row and its views differently: set augmentation=None, "
                "or augment the triplets before."
            )
        if self.rows_per_transformation > 1:
            raise ValueError(
                f"rows_per_transformation={self.rows_per_transformation}, but each triplet has a "
                "transformation of its own: set it to 1."
            )
        views = validate_views(self, X_forward, X_inverse)
        if len(views[0]) != X.shape[0]:
            raise ValueError(
                f"X has {X.shape[0]} rows, but its views have {len(views[0])}. Give each row its "
                "views."
            )
        if resume and self.n_views_ != len(views):
            raise ValueError(
                f"The model was trained on {self.n_views_} views of each row and cannot go on with "
                f"{len(views)}: set warm_start=False to fit it anew."
            )
        self.n_views_ = len(views)
        fit_model(self, X, resume=resume, beside={"views": [self._split(v)[0] for v in views]})
        return self
