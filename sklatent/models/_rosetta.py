"""The Rosetta VAE: anchors carry a latent space to new models and new data."""

from numbers import Real

import numpy as np
import torch
from sklearn.utils._param_validation import Interval, StrOptions

from sklatent._utils.sparse import dense
from sklatent._utils.warn import warn_caller
from sklatent.models._base import LatentModel
from sklatent.models._growth import grow
from sklatent.models._parameters import document
from sklatent.nn.objectives import elbo_terms, rosetta_penalty
from sklatent.rosetta import RosettaPoints
from sklatent.rosetta._elsewhere import features_elsewhere

_PROBE_ROWS = 4096  # rows of X that the anchors' scale is compared with
_SHOWN = 5  # features that a warning names
# Of squared distances of latents, whose prior has variance 1. R^2 with lab A's coordinates in lab B
# (digits 0-4 and 5-9, rho 1): 0.92 and 0.78 with 1, 0.98 and 0.87 with 100, at a bound of 33.4 and
# 32.1; with Bernoulli 0.90 and 0.48, 0.98 and 0.85. On counts of cells it costs nothing.
_ENCODER_WEIGHT = 100.0


@document()
class RosettaVAE(LatentModel):
    """VAE whose latent space is held in place by anchors from an earlier one.

    The anchors' inputs must be encoded to, and decoded from, the anchors' latents: a few
    points fix the rotations, flips and stretches that otherwise differ from one training to
    the next, and new data are embedded around them.

    Parameters
    ----------
    {n_components}
    rosetta_points : RosettaPoints, default=None
        The anchors. They live in this model's input space: behind a scaler in a Pipeline, the
        scaler must be the same as the one that the anchors were made with. None gives a plain
        VAE.
    rho : float, default=1.0
        Weight of the anchors. Greater is more faithful to the earlier space, smaller leaves more
        room for new data; 0 ignores the anchors' latents.
    encoder_weight : float or "auto", default="auto"
        Weight of the encoder's side of the anchors: inputs to latents, a squared distance.
        ``"auto"`` is 100, which holds an anchor to a tenth of the prior's deviation; and the
        paper's 1 under the paper's ``likelihood="unit_gaussian"``. It keeps the map far better than
        a greater `rho`, at less of the bound, above all where new data are of kinds that the
        anchors have none of.
    decoder_weight : float, default=1.0
        Weight of the decoder's side: latents to inputs, the likelihood's deviance.
    {shared parameters}

    Attributes
    ----------
    {shared attributes}

    Notes
    -----
    The loss is
    ``mean(-ELBO) + rho * (R / B) * mean_r(w_d * dev(x_r, m(z_r)) + w_e * |z_r - mu(x_r)|^2)`` for
    R anchors and batches of B rows: equation 1's sum over anchors, weighted as appendix B says,
    with w_d the `decoder_weight` and w_e the `encoder_weight`. Where inputs are decoded, the
    encoder is held to ``rosetta_points.encoded`` in place of z_r: where the first model encodes
    them. Where inputs are real rows and the points know what the first model decodes there,
    `dev` compares with ``rosetta_points.decoded``, which has none of the rows' noise; under
    ``likelihood="unit_gaussian"`` with x_r itself, as in the paper.
    Validation rows are joined by the held-out anchors, where the points have any, so that
    ``early_stopping`` is not told by anchors that were trained on.
    Anchors ride along with every batch; give them to ``fit`` as rows of X as well to train on
    them as data, as the paper does for all its models. B is `batch_size`, or the number of rows
    if that is smaller.

    References
    ----------
    .. [1] Martinez & Pearson, Reproducible, incremental representation learning with Rosetta VAE,
       2022, equation 1 and appendix B.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent import VAE, RosettaPoints, RosettaVAE
    >>> from sklatent.datasets import make_eight_gaussians
    >>> X, y = make_eight_gaussians(800, random_state=0)
    >>> A, B = X[X[:, 0] < 0], X[X[:, 0] >= 0]  # two labs, each with one half of the data
    >>> lab_a = VAE(2, hidden_layer_sizes=(32, 32), max_epochs=60, random_state=0).fit(A)
    >>> points = RosettaPoints.distill(lab_a, A, n_points=16, random_state=0)
    >>> plain = VAE(2, hidden_layer_sizes=(32, 32), max_epochs=60, random_state=1).fit(B)
    >>> lab_b = RosettaVAE(
    ...     2,
    ...     rosetta_points=points,
    ...     rho=5,
    ...     hidden_layer_sizes=(32, 32),
    ...     max_epochs=60,
    ...     random_state=1,
    ... ).fit(B)
    >>> def distance(model):
    ...     return np.mean((model.transform(A) - lab_a.transform(A)) ** 2)
    >>> bool(distance(lab_b) < 0.2 * distance(plain))
    True
    """

    _parameter_constraints = LatentModel._parameter_constraints | {
        "rosetta_points": [RosettaPoints, None],
        "rho": [Interval(Real, 0, None, closed="left")],
        "encoder_weight": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left")],
        "decoder_weight": [Interval(Real, 0, None, closed="left")],
    }
    _loss_hyperparameters = ("beta", "rho", "encoder_weight", "decoder_weight")
    _may_decode_quickly = True

    def __init__(
        self,
        n_components=10,
        *,
        rosetta_points=None,
        rho=1.0,
        encoder_weight="auto",
        decoder_weight=1.0,
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
        self.rosetta_points = rosetta_points
        self.rho = rho
        self.encoder_weight = encoder_weight
        self.decoder_weight = decoder_weight

    _constant_parameters = ("rosetta_points",)
    # Whether the encoder stays as training finds it.
    _keeps_encoder = False
    # A fitted model of the same rows with fewer covariates, whose weights stay.
    _grows_from = None

    def _start(self, *args):
        if self._grows_from is not None:
            for name in ("variances", "gaps", "sign_stability"):
                setattr(self, f"start_{name}_", None)
            return grow(args[0], self._grows_from.net_.module_)
        super()._start(*args)
        if self._keeps_encoder:
            module = args[0]
            path = [] if module.path is None else [module.path.encoder]
            for part in (module.encoder, module.head, *path):
                part.requires_grad_(False)

    def _loss_number(self, name):
        if name != "encoder_weight" or self.encoder_weight != "auto":
            return super()._loss_number(name)
        return 1.0 if self._is_the_papers() else _ENCODER_WEIGHT

    def _is_the_papers(self):
        """Whether X is a unit Gaussian, under which the anchors' terms are equation 1's."""
        return self.likelihood == "unit_gaussian"

    def _stack_kind(self):
        points = self.rosetta_points
        shapes = () if points is None else (np.shape(points.X), np.shape(points.Z))
        return (*super()._stack_kind(), *shapes)

    def _anchors_to_start_from(self):
        return self._anchors()

    def _anchors(self):
        """The anchors, their inputs in the order of X's columns where both have names."""
        if self.rosetta_points is None:
            return None
        return self.rosetta_points.for_features(getattr(self, "feature_names_in_", None))

    def _constants(self, dtype, device):
        if self.rosetta_points is None:
            return {}
        points, constants = self._anchors(), {}
        for kind, own in (("anchors", points), ("judges", points.held_out)):
            if own is None:
                continue
            x, told = self._split(own.X)
            decoded, _ = self._split(own.X if self._is_the_papers() else own.decoded)
            found = {"x": x, "told": told, "z": own.Z, "encoded": own.encoded, "decoded": decoded}
            constants |= {f"{name}_{kind}": value for name, value in found.items()}
        return {
            name: torch.as_tensor(np.ascontiguousarray(value), dtype=dtype, device=device)
            for name, value in constants.items()
            if value is not None
        }

    def _objective(self, module, batch, step):
        if self.rosetta_points is None:
            return super()._objective(module, batch, step)
        x, n = batch.x, len(batch)
        stack, given = x.shape[:-2], step.constants
        # When to stop is not told by anchors that were trained on: these go on being learned by
        # heart, at a great rho for long, while the map of everything else moves.
        judges = not module.training and "x_judges" in given
        kind = "judges" if judges else "anchors"
        x_anchors = given[f"x_{kind}"].expand(*stack, -1, -1)
        z_anchors = given[f"z_{kind}"].expand(*stack, -1, -1)
        # Batch and anchors go through each network together.
        module = module.told_also(x, given.get(f"told_{kind}"))
        posterior = module.encode(torch.cat([x, x_anchors], -2))
        noise = step.streams.normal(n, self.n_components)
        z, kl = posterior.rows(slice(n)).draw(noise)
        output = module.decode(torch.cat([z, z_anchors], -2))
        log_likelihood = module.likelihood.log_prob(x, output[..., :n, :])
        terms = elbo_terms(log_likelihood, kl, step.hyper["beta"], batch.mean)
        encoded = given[f"encoded_{kind}"].expand(*stack, -1, -1)
        decoded = given[f"decoded_{kind}"].expand(*stack, -1, -1)
        weight = given["x_anchors"].shape[-2] / x_anchors.shape[-2]
        terms["rosetta"] = rosetta_penalty(
            module.likelihood.deviance(decoded, output[..., n:, :]),
            encoded,
            posterior.mean[..., n:, :],
            step.hyper["rho"] * weight,
            step.batch_size,
            step.hyper["encoder_weight"],
            step.hyper["decoder_weight"],
        )
        return terms

    def _check_parameters(self, X):
        if self.rosetta_points is None:
            return
        points = self._anchors()
        if points.X.shape[1] != X.shape[1]:
            raise ValueError(
                f"The Rosetta points' inputs have shape {points.X.shape}, but X has shape "
                f"{X.shape}: the anchors were made for data with {points.X.shape[1]} features. "
                "Load the anchors of this kind of data, and apply the same preprocessing to X."
            )
        if points.Z.shape[1] != self.n_components:
            raise ValueError(
                f"The Rosetta points' latents have shape {points.Z.shape}, but "
                f"n_components={self.n_components}. Set n_components={points.Z.shape[1]}."
            )
        likelihood = self._find_likelihood()
        check = getattr(likelihood, "check_means", likelihood.check)
        check(self._split(points.X)[0], "the Rosetta points' inputs")
        check(self._split(points.decoded)[0], "what the Rosetta points decode to")
        self._warn_if_elsewhere(X, points)

    def _warn_if_elsewhere(self, X, points):
        """Anchors on another scale than X, in any feature, were preprocessed differently."""
        n = X.shape[0]
        rows = np.linspace(0, n - 1, min(n, _PROBE_ROWS)).astype(int)
        here, there = np.asarray(dense(X[rows]), dtype=np.float64), points.X.astype(np.float64)
        worst = features_elsewhere(here, there, points.inputs == "decoded")
        if not len(worst):
            return
        names = points.feature_names
        shown = [
            f"{int(j) if names is None else names[j]!r} (anchors {there[:, j].mean():.4g} +- "
            f"{there[:, j].std():.4g}, X {here[:, j].mean():.4g} +- {here[:, j].std():.4g})"
            for j in worst[:_SHOWN]
        ]
        warn_caller(
            f"The Rosetta points' inputs plainly lie elsewhere than X in {len(worst)} of "
            f"{X.shape[1]} features; the worst, with mean and deviation: {'; '.join(shown)}. "
            "Anchors live in the model's own input space: apply the preprocessing that they were "
            "made with (see rosetta_points.preprocess)."
        )
