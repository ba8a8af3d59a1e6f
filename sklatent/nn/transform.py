"""The networks of the transformation-aware VAE, and what a latent transformation does."""

import torch
from torch import nn

from sklatent.nn.architectures import ACTIVATIONS
from sklatent.nn.modules import VariationalModule, full_precision
from sklatent.nn.posteriors import DiagonalGaussian


def n_transformation_parameters(kind, n_components, n_columns=1):
    """Count the numbers that make up one latent transformation."""
    return n_components if kind == "additive" else (n_components // n_columns) ** 2


def move_latents(kind, z, parameters, inverse=False):
    """Apply latent transformations to latents: the map ``r_chi(z, T)`` of the paper.

    Parameters
    ----------
    kind : {"additive", "matrix"}
        ``z + T``, or ``T z`` with T a matrix.
    z : Tensor of shape (..., n_components)
        Latents. Where a matrix has fewer rows than that, `z` is a matrix too, of as many rows,
        which lie in `z` one after the other.
    parameters : Tensor of shape (..., n_components) or (..., n_rows, n_rows)
        T of each, or one that broadcasts.
    inverse : bool, default=False
        Whether to apply the inverse: ``z - T``, or the solution y of ``T y = z``.

    Returns
    -------
    Tensor of shape (..., n_components)
        The moved latents.

    Raises
    ------
    ValueError
        If a matrix to be inverted is singular.
    """
    if kind == "additive":
        return z - parameters if inverse else z + parameters
    columns = z.unflatten(-1, (parameters.shape[-1], -1))
    if not inverse:
        with torch.autocast(z.device.type, enabled=False):
            return (parameters @ columns).flatten(-2)
    try:
        return torch.linalg.solve(parameters, columns).flatten(-2)
    except torch.linalg.LinAlgError as error:
        raise ValueError(
            "A latent transformation's matrix has become singular and has no inverse. In training, "
            'lower learning_rate or coherence_weight, or use latent_transformation="additive".'
        ) from error


class TransformModule(VariationalModule):
    """A VAE's module with the paper's two further networks on the latents of all views.

    Parameters
    ----------
    kind : {"additive", "matrix"}
        Form of the latent transformation.
    n_views : int
        Views that the networks look at.
    n_transformations : int
        Transformations that they return: one where the views are each other's inverse, one for
        each view otherwise.
    latent_layer_sizes : tuple of int
        Hidden widths of the two networks.
    activation : callable
        Makes what follows each of their layers but the last.
    n_columns : int
        Columns of the matrix that `z` is where T is one.
    **parts : dict
        As in :class:`VariationalModule`.
    """

    def __init__(
        self,
        kind,
        n_views,
        n_transformations,
        latent_layer_sizes,
        activation,
        n_columns,
        **parts,
    ):
        super().__init__(**parts)
        n_components = self.n_components
        self.kind = kind
        self.n_transformations = n_transformations
        self.n_rows = n_components // n_columns
        convolutions = (nn.Conv2d, nn.ConvTranspose2d)
        self.convolutional = any(isinstance(part, convolutions) for part in self.modules())
        n_in, d = n_views * n_components, n_components
        n_out = n_transformations * n_transformation_parameters(kind, d, n_columns)
        self.middle = _dense(n_in, latent_layer_sizes, 2 * d, activation)
        self.change = _dense(n_in, latent_layer_sizes, n_out, activation)

    @classmethod
    def build(cls, model, n_features):
        """Build the module that a model's parameters describe."""
        n_views, n_transformations = (2, 1) if model.n_views is None else (model.n_views,) * 2
        return super().build(
            model,
            n_features,
            kind=model.latent_transformation,
            n_views=n_views,
            n_transformations=n_transformations,
            latent_layer_sizes=tuple(model.latent_layer_sizes),
            activation=ACTIVATIONS.get(model.activation, model.activation),
            n_columns=model.latent_columns,
        )

    def encode_all(self, parts):
        """Posterior of the rows of several batches, one below the other.

        Parameters
        ----------
        parts : list of Tensor of shape (..., batch, n_features)
            Rows.
        """
        parts = self._at_once(parts)
        parameters, linear = zip(*map(self.posterior_parameters, parts), strict=True)
        linear = None if linear[0] is None else torch.cat(linear, -2)
        return self.posterior_of(torch.cat(parameters, -2), linear)

    def decode_all(self, parts, rows):
        """Likelihood parameters at the latents of several batches, one below the other.

        Parameters
        ----------
        parts : list of Tensor of shape (..., n_rows, n_components)
            Latents.
        rows : list of Tensor of shape (n_rows,), integer
            Of which rows of the batch each part's are.
        """
        parts, rows = self._at_once(parts), self._at_once(rows, axis=-1)
        pairs = zip(parts, rows, strict=True)
        return torch.cat([self.told_of(of).decode(part) for part, of in pairs], -2)

    def _at_once(self, parts, axis=-2):
        # The maps of one batch fit a CPU's caches, those of several do not.
        in_turn = self.convolutional and parts[0].device.type == "cpu"
        return parts if in_turn else [torch.cat(parts, axis)]

    def between(self, z_views):
        """Posterior ``q_psi(z | z_1, z_2)`` of the latent that the views are made from.

        Parameters
        ----------
        z_views : Tensor of shape (..., batch, n_views * n_components)
            Latents of the views of each row, side by side.
        """
        return DiagonalGaussian(*full_precision(self.middle(z_views)).split(self.n_components, -1))

    def infer(self, z_views):
        """Latent transformations ``h_xi(z_1, z_2)``, deterministic given the views' latents.

        Parameters
        ----------
        z_views : Tensor of shape (..., batch, n_views * n_components)
            Latents of the views of each row, side by side.

        Returns
        -------
        list of Tensor of shape (..., batch, n_components) or (..., batch, n_rows, n_rows)
            `n_transformations` of them.
        """
        d = self.n_rows
        changes = full_precision(self.change(z_views)).chunk(self.n_transformations, -1)
        if self.kind == "additive":
            return list(changes)
        # Divided so that at the start a matrix is near the identity whatever its size.
        identity = torch.eye(d, dtype=changes[0].dtype, device=changes[0].device)
        return [identity + change.unflatten(-1, (d, d)) / d**0.5 for change in changes]


def _dense(n_in, sizes, n_out, activation):
    layers = []
    for size in sizes:
        layers += [nn.Linear(n_in, size), activation()]
        n_in = size
    return nn.Sequential(*layers, nn.Linear(n_in, n_out))
