"""VAEs that train at once, with linear maps between their latents."""

from numbers import Integral, Real

import numpy as np
import torch
from sklearn.utils._param_validation import Interval, StrOptions

from sklatent._utils.arrays import to_numbers
from sklatent.models._base import LatentModel
from sklatent.models._beta_tcvae import BetaTCVAE
from sklatent.models._dip_vae import DIPVAE
from sklatent.models._ensemble_inference import EnsembleInferenceMixin
from sklatent.models._nets import make_member
from sklatent.models._parameters import document
from sklatent.models._vae import VAE
from sklatent.nn.disentangling import aggregate_covariance, beta_tc_terms, dip_terms
from sklatent.nn.ensemble import EnsembleModule, map_error, translate
from sklatent.nn.modules import VariationalModule
from sklatent.nn.objectives import elbo_terms
from sklatent.nn.stacking.modules import stack_modules, unstack_module
from sklatent.nn.training.randomness import draw_seed, seeded_initialisation, split_seed

# What a member is when it stands alone.
_MEMBERS = {"vae": VAE, "beta_tc": BetaTCVAE, "dip_i": DIPVAE, "dip_ii": DIPVAE}
# Parameters of the ensemble's own that its members do not share.
_NOT_SHARED = {"beta", "random_state", "callbacks", "checkpoint_dir"}


@document(without=("beta",))
class VAEEnsemble(EnsembleInferenceMixin, LatentModel):
    """VAEs trained together, joined by linear maps between their latent spaces.

    Each member keeps its own objective. Besides, every decoder must reconstruct the data from every
    other member's latents, and those must be near its own, once a linear map has taken them there.
    Members that agree only up to a linear map can always be translated into each other.

    Parameters
    ----------
    {n_components}
    n_estimators : int, default=3
        Number of members, at least two. A step's cost grows with its square.
    gamma : float, default=10.0
        Weight of the distance between translated latents and the target's own. Greater pulls the
        encoders together more.
    cross_reconstruction : bool, default=True
        Whether decoders also reconstruct from the other members' latents.
    linear_transformation : bool, default=True
        Whether translated latents must be near the target's own. With neither, members train
        independently (on the same batches) and the maps stay as they were drawn.
    output : {"first", "mean", "stack"}, default="first"
        What `transform` returns: the first member's latents; all members' latents, taken to the
        first's space and averaged; or all members' latents side by side. May be changed after fit.
    objective : {"vae", "beta_tc", "dip_i", "dip_ii"}, default="vae"
        The members' own objective: that of :class:`VAE`, :class:`BetaTCVAE` or :class:`DIPVAE`.
    lambda_od, lambda_d : float, default=5.0 and 50.0
        As for :class:`DIPVAE`, where the objective is one of its two.
    beta : float or array-like of shape (n_estimators,), default=1.0
        Weight of each member's divergence from the prior (of its total correlation, where the
        objective is "beta_tc"); one number, or one for each member.
    {shared parameters}

    Attributes
    ----------
    estimators_ : list of VAE, BetaTCVAE or DIPVAE
        The members, each a fitted model of its own that can encode, decode, be saved and trained
        on. They hold copies: training one alone changes what the ensemble's `transform` returns,
        but not the weights from which the ensemble's next `partial_fit` goes on. The joint
        training's losses are in the ensemble's `history_`, not in theirs.
    linear_maps_ : ndarray of shape (n_estimators, n_estimators, n_components, n_components)
        ``z_j = linear_maps_[i, j] @ z_i`` takes member i's latents to member j's; the identity
        where i is j.
    {shared attributes}

    Notes
    -----
    Minimised is equation 2, each sum a mean over the batch::

        sum_ij recon_j(x, M_ij z_i) + sum_i KL_i + gamma * sum_(i != j) |z_j - M_ij z_i|^2

    with sampled latents z, M_ii the identity and no bias. `history_` has the terms separately.

    As a density, the ensemble is the equal mixture of its members: `sample` picks a member for each
    row, :meth:`log_likelihood` is the mixture's, and :meth:`score_samples` averages the members'
    evidence lower bounds, which bounds it from below. These do not depend on `output`.

    Small entries in ``linear_maps_`` need not mean that members share their axes: passive
    components and noise shrink them. See the user guide for how to tell.

    References
    ----------
    .. [1] Improving the unsupervised disentangled representation learning with VAE ensemble,
       equations 2 and 3.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent import VAEEnsemble
    >>> from sklatent.datasets import make_eight_gaussians
    >>> X, y = make_eight_gaussians(400, random_state=0)
    >>> model = VAEEnsemble(
    ...     2, n_estimators=2, hidden_layer_sizes=(32, 32), max_epochs=60, random_state=0
    ... ).fit(X)
    >>> first, second = (member.transform(X) for member in model.estimators_)
    >>> translated = first @ model.linear_maps_[0, 1].T
    >>> bool(np.mean((translated - second) ** 2) < 0.2 * second.var())
    True
    """

    _parameter_constraints = LatentModel._parameter_constraints | {
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "gamma": [Interval(Real, 0, None, closed="left")],
        "cross_reconstruction": ["boolean"],
        "linear_transformation": ["boolean"],
        "output": [StrOptions({"first", "mean", "stack"})],
        "objective": [StrOptions(set(_MEMBERS))],
        "lambda_od": [Interval(Real, 0, None, closed="left")],
        "lambda_d": [Interval(Real, 0, None, closed="left")],
        "beta": [Interval(Real, 0, None, closed="left"), "array-like"],
    }
    _loss_hyperparameters = ("gamma", "lambda_od", "lambda_d")
    _divergences = ("kl", "total_correlation")
    _shaping_parameters = ("n_estimators",)
    _stackable = False

    def __init__(
        self,
        n_components=10,
        *,
        n_estimators=3,
        gamma=10.0,
        cross_reconstruction=True,
        linear_transformation=True,
        output="first",
        objective="vae",
        lambda_od=5.0,
        lambda_d=50.0,
        beta=1.0,
        architecture="mlp",
        hidden_layer_sizes=(256, 256),
        activation="silu",
        init="pca",
        image_shape=None,
        posterior="diagonal",
        likelihood="gaussian",
        covariates=None,
        missing="error",
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
        self.n_estimators = n_estimators
        self.gamma = gamma
        self.cross_reconstruction = cross_reconstruction
        self.linear_transformation = linear_transformation
        self.output = output
        self.objective = objective
        self.lambda_od = lambda_od
        self.lambda_d = lambda_d

    # Training

    def _build_module(self, n_features):
        # Torch's generator is seeded by the caller; each member gets a seed of its own from it.
        seeds = torch.randint(np.iinfo(np.int32).max, (self.n_estimators,)).tolist()
        modules = []
        for seed in seeds:
            with seeded_initialisation(split_seed(draw_seed(seed))["weights"]):
                modules.append(VariationalModule.build(self, n_features))
        return EnsembleModule(modules, seeds)

    def _start(self, module, X, rows, cache, beside):
        members = [unstack_module(module.members, k) for k in range(self.n_estimators)]
        for member in members:
            super()._start(member, X, rows, cache, beside)
        module.members = stack_modules(members)
        if members[0].path is not None:
            # Members that begin in the same place understand each other as they are.
            module.start()

    def _objective(self, module, batch, step):
        n, x, members = self.n_estimators, batch.x, module.members
        posterior = members.encode(x.expand(n, *x.shape))
        z = posterior.sample(step.streams.normal(n, len(batch), self.n_components))
        translated = translate(module.linear_maps(), z)
        if self.cross_reconstruction:
            # Decoder j decodes the latents of all members in one batch.
            output = members.decode(translated.flatten(1, 2))
            repeated = x.repeat(n, 1)
            every = members.likelihood.log_prob(repeated.expand(n, *repeated.shape), output)
            every = every.unflatten(1, (n, len(batch)))
            within = every.diagonal().mT
        else:
            within = members.likelihood.log_prob(x.expand(n, *x.shape), members.decode(z))
        terms = self._member_terms(within, posterior, z, step)
        terms = {name: term.sum() for name, term in terms.items()}
        if self.cross_reconstruction:
            total = -every.mean(-1).sum()
            terms["cross_reconstruction"] = total - terms["reconstruction"]
        if self.linear_transformation:
            terms["linear_transformation"] = step.hyper["gamma"] * map_error(z, translated)
        return terms

    def _member_terms(self, log_likelihood, posterior, z, step):
        """Each member's own objective: n-vectors of terms."""
        beta = step.constants["beta"]
        if self.objective == "beta_tc":
            return beta_tc_terms(log_likelihood, posterior, z, beta, step.n_rows)
        terms = elbo_terms(log_likelihood, posterior.kl(), beta)
        if self.objective == "vae":
            return terms
        covariance = aggregate_covariance(posterior, self.objective.removeprefix("dip_"))
        return terms | dip_terms(covariance, step.hyper["lambda_od"], step.hyper["lambda_d"])

    def _constants(self, dtype, device):
        return {"beta": torch.as_tensor(self._betas(), dtype=dtype, device=device)}

    def _betas(self):
        if isinstance(self.beta, Real):
            beta = np.float64(self.beta)
        else:
            beta = to_numbers(self.beta, "beta").astype(np.float64)
        if beta.ndim and beta.shape != (self.n_estimators,):
            raise ValueError(
                f"beta has shape {beta.shape}, but n_estimators={self.n_estimators}. Give one "
                "number, or one for each member."
            )
        if not np.all(np.isfinite(beta) & (beta >= 0)):
            raise ValueError(f"beta={self.beta} must be finite and not negative.")
        return np.broadcast_to(beta, (self.n_estimators,)).copy()

    def _beta_to_start_from(self):
        return float(np.mean(self._betas()))

    def _check_parameters(self, X):
        if self.n_estimators < 2:
            raise ValueError(
                f"n_estimators={self.n_estimators}: one model is no ensemble, it has no other "
                "to agree with. Set n_estimators to 2 or more, or use VAE."
            )
        self._betas()

    def _after_training(self):
        module = self.net_.module_
        self.linear_maps_ = module.linear_maps().detach().cpu().numpy()
        own = self.get_params(deep=False)
        cls = _MEMBERS[self.objective]
        shared = {n: own[n] for n in set(cls._get_param_names()) - _NOT_SHARED if n in own}
        if cls is DIPVAE:
            shared["kind"] = self.objective.removeprefix("dip_")
        self.estimators_ = []
        for k, (seed, beta) in enumerate(zip(module.seeds.tolist(), self._betas(), strict=True)):
            member = cls(**shared, beta=float(beta), random_state=seed)
            make_member(member, unstack_module(module.members, k), like=self)
            self.estimators_.append(member)
