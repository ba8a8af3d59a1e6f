"""CSR matrices: the same fits as of arrays, made dense a batch at a time."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest
from scipy import sparse

from sklatent import VAE, Autoencoder
from sklatent.model_selection import FusedGridSearchCV, retrain

SMALL = {"hidden_layer_sizes": (16,), "max_epochs": 3, "random_state": 0}


@pytest.fixture(scope="module")
def counts():
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.full(20, 0.3), size=3)[rng.integers(0, 3, size=150)]
    return rng.poisson(40 * shares).astype(float)


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csr_array])
@pytest.mark.parametrize("likelihood", ["gaussian", "negative_binomial"])
def test_the_same_as_dense(counts, container, likelihood):
    X = container(counts)
    a, b = (VAE(2, likelihood=likelihood, **SMALL).fit(data) for data in (counts, X))
    np.testing.assert_array_equal(a.transform(counts), b.transform(X))
    np.testing.assert_array_equal(a.score_samples(counts), b.score_samples(X))
    np.testing.assert_array_equal(a.log_likelihood(counts), b.log_likelihood(X))


def test_other_ways_in(counts, tmp_path):
    X = sparse.csr_matrix(counts)
    Autoencoder(2, **SMALL).fit(X).transform(X)
    runs = retrain(VAE(2, **SMALL), X, n_runs=4, random_state=0)
    dense = retrain(VAE(2, **SMALL), counts, n_runs=4, random_state=0)
    np.testing.assert_array_equal(runs[3].transform(X), dense[3].transform(counts))
    searches = [
        FusedGridSearchCV(VAE(2, **SMALL), {"beta": [0.5, 2.0]}, cv=2).fit(data)
        for data in (X, counts)
    ]
    scores = [search.cv_results_["mean_test_score"] for search in searches]
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-5)
    VAE(2, checkpoint_dir=tmp_path, **SMALL).fit(X)
    masked = X.copy()
    masked.data[:5] = np.nan
    VAE(2, missing="mask", **SMALL).fit(masked).score(masked)


def test_bad_matrices(counts):
    with pytest.raises(TypeError, match=r"sparse matrix in CSC format.*tocsr"):
        VAE().fit(sparse.csc_matrix(counts))
    X = sparse.csr_matrix(counts)
    X.data[3] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        VAE().fit(X)
    model = VAE(2, **SMALL).fit(counts)
    with pytest.raises(TypeError, match="tocsr"):
        model.transform(sparse.coo_matrix(counts))
    with pytest.raises(ValueError, match="fractions"):
        VAE(likelihood="poisson").fit(sparse.csr_matrix(counts / 2))


def test_a_large_one_is_never_dense():
    """As an array it would take 200 MB in float32; a fit adds a fraction of that."""
    code = """
        import resource
        import numpy as np
        from scipy import sparse
        from sklatent import VAE

        columns = np.random.default_rng(0).integers(0, 2_000, size=(25_000, 20))
        rows = np.repeat(np.arange(25_000), 20)
        X = sparse.csr_matrix(
            (np.ones(rows.size, np.float32), (rows, columns.ravel())), shape=(25_000, 2_000)
        )
        model = VAE(2, hidden_layer_sizes=(8,), batch_size=1000, max_epochs=1, random_state=0,
                    init="random")
        model.fit(X[:2_000]).transform(X[:2_000])  # what is imported and allotted but once
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        model.fit(X).transform(X)
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
    """
    found = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert float(found.stdout) < 120
