"""Coordinates in which two spaces differ by a rigid map only."""

import numpy as np

# Directions of less variance than this fraction of the largest are no directions.
_NO_VARIANCE = 1e-10


class Frame:
    """Coordinates in which two clouds may differ by a rigid map only: ``(Z - centre) @ there``."""

    def __init__(self, centre, there, back):
        self.centre, self.there, self.back = centre, there, back

    def to_points(self, Z):
        return (np.asarray(Z, np.float64) - self.centre) @ self.there


def make_frames(X, Y, kind):
    """A frame for each side, of equal width: the narrower one is padded with zeros."""
    centred = []
    for Z, name in ((X, "X"), (Y, "y")):
        Z = np.asarray(Z, np.float64)
        centre = Z.mean(axis=0)
        largest = np.abs(Z - centre).max()
        if not largest > 10 * np.finfo(np.float64).eps * np.abs(Z).max():
            raise ValueError(
                f"Every column of {name} has zero variance: its latents are all one point, and no "
                "map can be told from them. Look whether the model that made them has collapsed."
            )
        centred.append((centre, Z - centre, largest))
    # One unit for both, so that the map stays rigid and squares stay in range.
    unit = max(largest for _, _, largest in centred)
    made = []
    for centre, Z, largest in centred:
        if kind == "rigid":
            made.append((centre, np.eye(Z.shape[1]) / unit, np.eye(Z.shape[1]) * unit))
            continue
        _, values, axes = np.linalg.svd(Z / largest, full_matrices=False)
        deviations = values / np.sqrt(len(Z))
        kept = deviations**2 > _NO_VARIANCE * deviations[0] ** 2
        axes, deviations = axes[kept], deviations[kept] * largest
        made.append((centre, axes.T / deviations, axes * deviations[:, None]))
    width = max(there.shape[1] for _, there, _ in made)
    return [
        Frame(
            centre,
            np.pad(there, ((0, 0), (0, width - there.shape[1]))),
            np.pad(back, ((0, width - len(back)), (0, 0))),
        )
        for centre, there, back in made
    ]


def compose(source, target, rotation, offset):
    """The map between frames as one between the spaces: a matrix and a translation."""
    matrix = source.there @ rotation @ target.back
    return matrix, target.centre + offset @ target.back - source.centre @ matrix
