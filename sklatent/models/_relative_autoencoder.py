"""The autoencoder whose latents are relative to anchors."""

from numbers import Integral

import numpy as np
import torch
from sklearn.utils._param_validation import Interval, StrOptions

from sklatent.alignment._relative import choose_anchors
from sklatent.models._autoencoder import Autoencoder, latents_of
from sklatent.models._parameters import document
from sklatent.nn.autoencoder import SIMILARITIES, RelativeModule, similarities
from sklatent.nn.training.randomness import draw_seed, drawn_order


@document(without=("posterior", "beta", "warmup_epochs"))
class RelativeAutoencoder(Autoencoder):
    """Autoencoder that decodes similarities to anchors instead of latents.

    What it decodes does not change when its latent space is rotated or shifted, so models that
    share their anchors can decode each other's representations without any map.

    Parameters
    ----------
    {n_components}
    anchors : array-like, default=None
        The anchors' inputs: row numbers of X (1-D, integers) or rows of its width (2-D). Models
        meant to understand each other take the same ones, in the same order. None draws
        `n_anchors` rows of X by `random_state`, by their names where rows have any.
    n_anchors : int, default=100
        How many rows to draw where `anchors` is None. Clipped to the rows there are, with a
        warning.
    similarity : {"euclidean", "cosine"} or callable, default="euclidean"
        Equation 4's sim: Euclidean distance, cosine, or a differentiable function of two tensors
        ``(..., batch, n_components)`` and ``(..., n_anchors, n_components)`` that returns
        ``(..., batch, n_anchors)``.
    {shared parameters}

    Attributes
    ----------
    {shared attributes}
    anchors_ : ndarray of shape (n_anchors, n_features)
        The anchors' inputs.
    anchor_indices_ : ndarray of shape (n_anchors,) or None
        Their row numbers in X; None where `anchors` was given as rows.
    encoder_ : estimator or None
        The frozen encoder, after `fit_decoder`; None after `fit`.

    See Also
    --------
    sklatent.alignment.RelativeProjection : The same representation of any latents.
    sklatent.alignment.LinearAligner : Needs no retraining, and usually transfers better.

    Notes
    -----
    `transform` returns the relative representation, one column for each anchor, and
    `inverse_transform` decodes it: ``b.inverse_transform(a.transform(X))`` transfers from a to b.
    `n_components` is the width of the space that similarities are taken in.

    `fit` trains encoder and decoder end to end; anchors are encoded anew with every batch and
    gradients flow through them. `fit_decoder` keeps an encoder and trains a decoder on its
    relative representation.

    References
    ----------
    .. [1] Lähner & Moeller, On the direct alignment of latent spaces, section 3.3 and equation 4.
    .. [2] Moschella et al., Relative representations enable zero-shot latent space communication,
       ICLR 2023.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklatent import RelativeAutoencoder
    >>> X = load_digits().data / 16
    >>> anchors = X[:50]
    >>> a = RelativeAutoencoder(8, anchors=anchors, max_epochs=5, random_state=0).fit(X)
    >>> b = RelativeAutoencoder(8, anchors=anchors, max_epochs=5, random_state=1).fit(X)
    >>> b.inverse_transform(a.transform(X)).shape
    (1797, 64)
    """

    _parameter_constraints = Autoencoder._parameter_constraints | {
        "anchors": ["array-like", None],
        "n_anchors": [Interval(Integral, 1, None, closed="left")],
        "similarity": [StrOptions(set(SIMILARITIES)), callable],
    }
    # Stacked models see all rows, so that row numbers of a model's own rows would mean others.
    _stackable = False
    _shaping_parameters = ("anchors", "n_anchors", "similarity")

    def __init__(
        self,
        n_components=10,
        *,
        anchors=None,
        n_anchors=100,
        similarity="euclidean",
        architecture="mlp",
        hidden_layer_sizes=(256, 256),
        activation="silu",
        init="pca",
        image_shape=None,
        likelihood="gaussian",
        covariates=None,
        missing="error",
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
            likelihood=likelihood,
            covariates=covariates,
            missing=missing,
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
        self.anchors = anchors
        self.n_anchors = n_anchors
        self.similarity = similarity

    def _build_module(self, n_features):
        if self._n_inputs is not None:
            return super()._build_module(n_features)
        x, told = self._split(np.asarray(self.anchors_, dtype=np.float64))
        return RelativeModule(
            anchors=torch.as_tensor(np.ascontiguousarray(x)),
            anchor_covariates=None if told is None else torch.as_tensor(np.array(told)),
            similarity=self._similarity(),
            **self._parts(n_features, len(self.anchors_)),
        )

    def _decodes_latents(self):
        return False

    def _similarity(self):
        if isinstance(self.similarity, str):
            return SIMILARITIES[self.similarity]
        return self.similarity

    def _take_rows(self, X, sample_ids, reset):
        X, keys = super()._take_rows(X, sample_ids, reset)

        def draw(n_samples):
            names = np.arange(n_samples, dtype=np.uint64) if keys is None else keys
            return drawn_order(names, draw_seed(self.random_state))

        if reset:
            self.anchors_, self.anchor_indices_ = choose_anchors(
                X, self.anchors, self.n_anchors, draw
            )
        return X, keys

    def _represent(self, z, encoder):
        anchors = latents_of(encoder, self.anchors_)
        z, anchors = (torch.as_tensor(np.asarray(rows, np.float64)) for rows in (z, anchors))
        self._n_latents = z.shape[1]
        return similarities(self._similarity(), z, anchors).detach().numpy()

    @property
    def _n_features_out(self):
        return len(self.anchors_)
