"""Digits with entries removed: latents and imputations beside complete data and filled gaps."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.metrics import r2_score
from sklearn.neighbors import KNeighborsClassifier

from benchmarks._common import Report, over_seeds, parser
from sklatent import VAE

N_COMPONENTS = 8


def impute_by_pca(X, n_components=N_COMPONENTS, n_rounds=50):
    """Entries as PCA decodes them, in turn with PCA of the table that these fill."""
    unknown = np.isnan(X)
    filled = SimpleImputer().fit_transform(X)
    for _ in range(n_rounds):
        pca = PCA(n_components, random_state=0).fit(filled)
        decoded = pca.inverse_transform(pca.transform(filled))
        filled = np.where(unknown, decoded, X)
    return filled


def neighbours(Z, y, train):
    """Share of rows held out whose kind the five nearest others tell."""
    return KNeighborsClassifier(5).fit(Z[train], y[train]).score(Z[~train], y[~train])


def run(seed, share, epochs):
    """One table with gaps; for each way R^2 with complete data's space, neighbours, and error.

    R^2 as coordinates come, and with axes' signs matched, and how many are turned over.
    """
    X, y = load_digits(return_X_y=True)
    X = X / 16
    rng = np.random.default_rng(seed)
    gone = rng.random(X.shape) < share
    gaps = np.where(gone, np.nan, X)
    train = rng.permutation(len(X)) < 0.8 * len(X)

    def fit(table, **parameters):
        model = VAE(N_COMPONENTS, max_epochs=epochs, random_state=seed, **parameters).fit(table)
        Z = model.transform(table)
        return Z, model.inverse_transform(Z)

    tables = {
        "complete rows": (X, {}),
        'missing="mask"': (gaps, {"missing": "mask"}),
        "filled with means": (SimpleImputer().fit_transform(gaps), {}),
        "filled by PCA": (impute_by_pca(gaps), {}),
    }
    spaces = {name: fit(table, **parameters) for name, (table, parameters) in tables.items()}
    target, found = spaces["complete rows"][0], {}
    for name, (Z, decoded) in spaces.items():
        error = np.sqrt(np.mean((decoded[gone] - X[gone]) ** 2))
        turned = np.where((target * Z).sum(axis=0) < 0, -1.0, 1.0)
        same = [r2_score(target, Z), r2_score(target, turned * Z), (turned < 0).sum()]
        found[name] = [*same, neighbours(Z, y, train), error]
    for name, filled in (
        ("means alone", tables["filled with means"][0]),
        ("PCA alone", tables["filled by PCA"][0]),
    ):
        Z = PCA(N_COMPONENTS).fit_transform(filled)
        error = np.sqrt(np.mean((filled[gone] - X[gone]) ** 2))
        found[name] = [*[np.nan] * 3, neighbours(Z, y, train), error]
    return found


def main(argv=None):
    """Read the options and write the report."""
    arguments = parser(__doc__).parse_args(argv)
    report = Report("Gaps", arguments.out)
    shares, epochs, n_seeds = ((0.3,), 3, 2) if arguments.quick else ((0.3,), 100, 3)
    if arguments.full:
        shares = (0.1, 0.3, 0.5)
    for share in shares:
        runs = [run(seed, share, epochs) for seed in range(n_seeds)]
        report.text(
            f"## {share:.0%} of the digits' entries removed\n\n{N_COMPONENTS} components, default "
            f"parameters, {n_seeds} seeds (other entries, and another seed of the model): mean and "
            "95 percent interval. R^2 with the coordinates of the model of complete rows, without "
            "any map, and with turned axes turned back, and how many those are; the share of rows "
            "held out from a classifier by the five nearest whose digit it tells (one in ten by "
            "chance); root mean squared error of entries that were removed, in units of the "
            "greatest ink."
        )
        rows = [
            [name, *(over_seeds([r[name][k] for r in runs]) for k in range(5))] for name in runs[0]
        ]
        columns = ["table", "R^2 with complete rows' space", "signs matched", "turned"]
        report.table([*columns, "neighbours", "error of removed"], rows)
    report.write()


if __name__ == "__main__":
    main()
