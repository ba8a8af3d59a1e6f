"""What a reader of a paper may rely on in a latent space, and one page that says so."""

from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import Interval, validate_params

from sklatent._utils.arrays import plain
from sklatent._utils.files import put
from sklatent._utils.random import local_random_state
from sklatent._utils.versions import installed_versions
from sklatent.model_selection._reproducibility.agreement import (
    LEVELS,
    MAPS,
    N_BLOCKS,
    floors,
    interval,
    map_errors,
    mean_of_pairs,
    neighbor_errors,
    pair_scores,
)
from sklatent.model_selection._reproducibility.cautions import cautions
from sklatent.model_selection._reproducibility.components import component_rows
from sklatent.model_selection._reproducibility.provenance import (
    describe_data,
    describe_files,
    describe_parameters,
)
from sklatent.model_selection._reproducibility.runs import checked_models, encoded, run_rows
from sklatent.model_selection._reproducibility.verdict import MEANINGS, sentence

_MIN_ROWS = 2 * N_BLOCKS


@dataclass(frozen=True, repr=False, eq=False)
class ReproducibilityReport:
    """How far several trainings of a model agree, and what a reader may rely on.

    Make one with :meth:`from_models`. It prints as its verdict.

    Parameters
    ----------
    level : {"coordinates", "axes", "rigid", "linear", "neighbors", "nothing"}
        The strictest sense in which the runs agree.

    verdict : str
        The same in a sentence, with the score, its interval and what chance gives.

    cautions : list of str
        What limits the verdict, a sentence each.

    table : list of dict
        A row for each level, as :meth:`to_frame` gives.

    components : list of dict
        A row for each component of the first run.

    runs : list of dict
        A row for each run.

    pairwise : ndarray of shape (n_models, n_models)
        R^2 of coordinates, without any map, from each run to each other one.

    latents : ndarray of shape (n_models, n_shown, n_components)
        Latents of some rows, for the pictures.

    provenance : dict
        Data, files, parameters, versions and settings that the report was made of.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklatent import VAE
    >>> from sklatent.model_selection import ReproducibilityReport, retrain
    >>> X = load_digits().data[:700] / 16
    >>> runs = retrain(VAE(3, hidden_layer_sizes=(16,), max_epochs=8), X, n_runs=4, random_state=0)
    >>> report = ReproducibilityReport.from_models(runs, X)
    >>> report.level
    'coordinates'
    >>> print(report)
    Coordinates agree: R² 0.9...
    >>> report.to_frame()["level"].tolist()
    ['coordinates', 'axes', 'rigid', 'linear', 'neighbors']
    """

    level: str
    verdict: str
    cautions: list
    table: list
    components: list
    runs: list
    pairwise: np.ndarray
    latents: np.ndarray
    provenance: dict

    @classmethod
    @validate_params(
        {
            "min_r2": [Interval(Real, 0, 1, closed="neither")],
            "min_shared": [Interval(Real, 0, 1, closed="neither")],
            "n_neighbors": [Interval(Integral, 1, None, closed="left")],
            "confidence": [Interval(Real, 0, 1, closed="neither")],
            "random_state": ["random_state"],
        },
        prefer_skip_nested_validation=True,
    )
    def from_models(
        cls,
        models,
        X,
        *,
        min_r2=0.9,
        min_shared=0.5,
        n_neighbors=10,
        confidence=0.95,
        files=(),
        random_state=0,
    ):
        """Judge fitted runs.

        Each measure is taken between all pairs of runs, maps on rows that they were not fitted to,
        and stands beside what chance gives.

        Parameters
        ----------
        models : list of estimators
            Fitted runs of one model, such as :func:`retrain` returns; at least two, and three or
            more for an interval that speaks of runs. Any transformers with equal numbers of
            components, Pipelines and searches included.

        X : array-like or CSR matrix of shape (n_samples, n_features)
            Rows to judge them on, best such that no run was trained on; at least 20.

        min_r2 : float, default=0.9
            R^2 between runs that coordinates, axes and maps must reach. At 0.9 a sample lies
            within a third of a standard deviation of its place (root mean square).

        min_shared : float, default=0.5
            Share of nearest neighbours that runs must have in common.

        n_neighbors : int, default=10
            How many nearest neighbours are compared.

        confidence : float, default=0.95
            How often intervals should hold the agreement of two runs on average.

        files : iterable of str or path-like, default=()
            Files that belong to the report (models, anchors, tables), for their hashes.

        random_state : int, RandomState instance or None, default=0
            Deals rows into blocks and draws what chance gives. By default a number, so that the
            same runs and rows give the same report.

        Returns
        -------
        report : ReproducibilityReport
            The report.

        Raises
        ------
        ValueError
            If there are fewer than two models, their numbers of components differ, a space does
            not vary or is not finite, or there are too few rows.
        TypeError
            If something is no fitted transformer.

        See Also
        --------
        retrain : Makes the runs.
        sklatent.alignment.alignment_report : Whether one space may be mapped to another.

        Notes
        -----
        A level holds if its interval's lower end is above both what is asked and what chance
        gives. Maps are nested, so that a map that holds implies those more lenient.

        In simulations intervals of 95 percent held the mean in 92 to 99 of 100 experiments with 3
        to 12 runs, and in 88 to 93 where a few runs were far noisier than the rest.
        """
        models, X = checked_models(models), plain(X, "X")
        random_state = local_random_state(random_state)
        latents = encoded(models, X)
        n_models, n_rows, width = latents.shape
        fewest = max(_MIN_ROWS, 2 * (width + 2), n_neighbors + 2)
        if n_rows < fewest:
            raise ValueError(
                f"X has {n_rows} rows, too few to compare spaces of {width} components by maps "
                f"that are judged on rows left out, and {n_neighbors} neighbours: pass {fewest} at "
                "least."
            )
        blocks = random_state.permutation(n_rows) % N_BLOCKS
        errors, totals = map_errors(latents, blocks)
        scores = {kind: (errors[kind], totals) for kind in MAPS}
        *scores["neighbors"], neighbor_rows = neighbor_errors(
            latents, blocks, n_neighbors, random_state
        )
        chance = floors(latents, n_neighbors, random_state)
        if neighbor_rows < n_rows:
            chance["neighbors"] = n_neighbors / (neighbor_rows - 1)
        asked = dict.fromkeys(MAPS, float(min_r2)) | {"neighbors": float(min_shared)}
        table = []
        for level in LEVELS:
            low, high = interval(*scores[level], confidence)
            value = mean_of_pairs(pair_scores(*scores[level]))
            row = {"level": level, "value": value, "low": low, "high": high}
            row |= {"floor": chance[level], "asked": asked[level]}
            stricter = level in MAPS and any(earlier["holds"] for earlier in table)
            row["holds"] = bool(stricter or low >= max(asked[level], chance[level]))
            table.append(row)
        level = next((row["level"] for row in table if row["holds"]), "nothing")
        pairwise = pair_scores(*scores["coordinates"])
        components = component_rows(models[0], latents)
        parameters, differing = describe_parameters(models)
        runs = run_rows(models, X, latents, pairwise)
        variances = latents[0].var(axis=0)
        largest = np.sort(np.argsort(-variances, kind="stable")[:2])
        some = np.sort(random_state.permutation(n_rows)[:1000])
        return cls(
            level=level,
            verdict=sentence(level, table, n_models, n_rows, confidence),
            cautions=cautions(latents, table, runs, components, differing, pairwise),
            table=table,
            components=components,
            runs=runs,
            pairwise=pairwise,
            latents=latents[:, some],
            provenance={
                "data": describe_data(X),
                "files": describe_files(files),
                "parameters": parameters,
                "versions": installed_versions(),
                "min_r2": float(min_r2),
                "confidence": float(confidence),
                "n_neighbors": int(n_neighbors),
                "neighbor_rows": int(neighbor_rows),
                "n_blocks": N_BLOCKS,
                "shown": (int(largest[0]), int(largest[-1])),
            },
        )

    def to_frame(self, table="measures"):
        """Return the numbers as a data frame.

        Parameters
        ----------
        table : {"measures", "components", "runs"}, default="measures"
            Which numbers. Measures: for each level its ``value`` between runs (R^2, and for
            neighbours the share in common; 1 is perfect), interval (``low``, ``high``), ``floor``
            (what chance gives), what is ``asked``, and whether it ``holds``. Components: for each
            component of the first run, how it fares in the others. Runs: what is known of each.

        Returns
        -------
        frame : pandas.DataFrame
            The table.
        """
        import pandas as pd

        tables = {"measures": self.table, "components": self.components, "runs": self.runs}
        if table not in tables:
            raise ValueError(f"table must be one of {sorted(tables)}, got {table!r}.")
        return pd.DataFrame(tables[table])

    def to_html(self, path=None, *, title=None):
        """Write the report as one HTML page, pictures included, that opens without a network.

        The page holds numbers, hashes, and latents of up to 300 rows as pictures; no row of X.
        Drawing takes matplotlib.

        Parameters
        ----------
        path : str, path-like or file-like, default=None
            The file to write. None returns the page.

        title : str, default=None
            Heading. None names the model and the number of runs.

        Returns
        -------
        page : str or None
            The page, if `path` is None.
        """
        from sklatent.model_selection._reproducibility.page import page

        if title is None:
            title = f"Reproducibility of {self.runs[0]['model']}: {len(self.runs)} runs"
        elif not isinstance(title, str):
            raise TypeError(f"title must be a string, got {title!r}.")
        text = page(self, title, MEANINGS)
        if path is None:
            return text
        put(path, text.encode())
        return None

    def __str__(self):
        return self.verdict

    __repr__ = __str__
