"""Views without an inverse: an image in superpixels, by k-means on place and intensity (SLIC)."""

import torch


class Superpixels:
    """Replace each pixel by its superpixel's mean intensity; which these are is partly chance.

    Parameters
    ----------
    n_across : int, default=5
        Superpixels across an image at the start: a grid, each centre moved by chance within its
        cell.
    compactness : float, default=2.0
        How large a difference in intensity counts as much as a cell's width: large ones make
        superpixels round, small ones let them follow the strokes.
    n_steps : int, default=3
        Steps of k-means.

    Examples
    --------
    >>> import torch
    >>> from benchmarks.papers.transform.superpixels import Superpixels
    >>> x = torch.rand(2, 784)
    >>> view, _ = Superpixels().sample(x, torch.Generator(), image_shape=(1, 28, 28))
    >>> view.shape, view[0].unique().numel() <= 25
    (torch.Size([2, 784]), True)
    """

    def __init__(self, n_across=5, compactness=2.0, n_steps=3):
        self.n_across = n_across
        self.compactness = compactness
        self.n_steps = n_steps

    def sample(self, x, generator, image_shape=None):
        """Draw one view of each row, twice the same: there is no inverse."""
        _, height, width = image_shape
        n, k = len(x), self.n_across**2
        cells = torch.tensor([height, width]) / self.n_across
        grid = torch.cartesian_prod(*[torch.arange(float(self.n_across))] * 2)
        starts = (grid + torch.rand(n, k, 2, generator=generator)) * cells
        # A draw just below 1 may round to the border itself.
        nearest = torch.minimum(starts.long(), torch.tensor([height - 1, width - 1]))
        found = x.gather(1, nearest[..., 0] * width + nearest[..., 1])
        places = torch.cartesian_prod(torch.arange(float(height)), torch.arange(float(width)))
        places = (places / cells).T.expand(n, -1, -1)
        intensities = x.float()[:, None] / self.compactness
        pixels = torch.cat([places, intensities, torch.ones_like(intensities)], 1)  # to count
        centres = torch.cat([starts / cells, found.float()[..., None] / self.compactness], -1)
        for _ in range(self.n_steps):
            which = self._nearest(pixels[:, :3], centres)
            sums = torch.zeros(n, 4, k).scatter_add_(2, which[:, None].expand(-1, 4, -1), pixels)
            counts = sums[:, 3:].mT
            centres = torch.where(counts > 0, sums[:, :3].mT / counts.clamp(min=1), centres)
        # Of the last assignment, so that each pixel shows the mean that it is part of.
        view = centres[..., 2].gather(1, which) * self.compactness
        view = view.clamp(0.0, 1.0).to(x.dtype)
        return view, view

    @staticmethod
    def _nearest(pixels, centres):
        squares = centres.square().sum(-1, keepdim=True)
        distances = torch.baddbmm(squares, centres, pixels, alpha=-2)
        # What `distances.argmin(1)` says, in a third of its time: one centre after the other.
        smallest, which = distances[:, 0].clone(), torch.zeros_like(distances[:, 0])
        nearer = torch.empty_like(which)
        for i in range(1, distances.shape[1]):
            torch.lt(distances[:, i], smallest, out=nearer)
            torch.maximum(which, nearer.mul_(i), out=which)
            torch.minimum(smallest, distances[:, i], out=smallest)
        return which.long()
