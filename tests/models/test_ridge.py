"""The ridge map by which starts are carried over, beside scikit-learn's and brute force."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneOut, cross_val_predict

from sklatent.models._ridge import _PENALTIES, ridge


@pytest.mark.parametrize(("n", "d", "noise"), [(30, 4, 0.5), (12, 20, 0.1), (25, 3, 5.0)])
def test_penalty_coefficients_and_errors_are_those_of_leaving_each_row_out(n, d, noise):
    rng = np.random.default_rng(n)
    X = rng.normal(size=(n, d)) + 3.0
    Y = X @ rng.normal(size=(d, 2)) + noise * rng.normal(size=(n, 2)) - 1.0
    unit = ((X - X.mean(axis=0)) ** 2).sum() / min(n, d)
    tried = []
    for penalty in _PENALTIES * unit:
        model = Ridge(alpha=penalty, solver="svd")
        errors = (Y - cross_val_predict(model, X, Y, cv=LeaveOneOut())) ** 2
        tried.append((errors.mean(axis=0).sum(), model.fit(X, Y).coef_, errors.mean(axis=0)))
    coef, center, residual = ridge(X, Y)
    np.testing.assert_allclose(center, Y.mean(axis=0))
    best = min(tried, key=lambda one: one[0])
    np.testing.assert_allclose(residual, best[2], rtol=1e-6)
    np.testing.assert_allclose(coef, best[1], rtol=1e-6, atol=1e-9)
