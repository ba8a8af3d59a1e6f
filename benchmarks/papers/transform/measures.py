"""One model trained, and all that the tables need of it."""

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier

from benchmarks._common import paired
from benchmarks.papers.transform.midpoints import midpoint_errors
from benchmarks.papers.transform.models import build
from benchmarks.papers.transform.settings import images
from sklatent.datasets import make_affine_digits

N_NEIGHBORS = 5
FEW = 10_000  # affine digits, where neighbours are sought among few
LABELS = (10, 30, 100, 300, 1000)


def accuracy(train, y_train, test, y_test):
    """Percent of test rows whose neighbours among the training rows say their label."""
    knn = KNeighborsClassifier(N_NEIGHBORS, algorithm="brute").fit(train, y_train)
    return 100 * knn.score(test, y_test)


def few_labels(train, y_train, test, y_test, n_draws):
    """Mean percent right for each number of labels, over draws of which rows have them."""
    results = []
    for n_labels in LABELS:
        scores = []
        for draw in range(n_draws):
            chosen = np.random.RandomState(draw).choice(len(train), n_labels, replace=False)
            knn = KNeighborsClassifier(1).fit(train[chosen], y_train[chosen])
            scores.append(100 * knn.score(test[:1000], y_test[:1000]))
        results.append(float(np.mean(scores)))
    return results


def affine(scale, seed=0):
    """Affine digits from MNIST's own training and test sets, with their labels.

    One draw of all training digits comes after the other: affNIST has several of each as well.
    """
    digits = images("MNIST")
    train = slice(scale.neighbours)
    test = slice(scale.queries)
    draws = range(seed, seed + scale.affine_draws)
    return (
        np.concatenate([make_affine_digits(digits.data[train], draw) for draw in draws]),
        np.tile(digits.target[train], scale.affine_draws),
        make_affine_digits(digits.data_test[test], seed + scale.affine_draws),
        digits.target_test[test],
    )


def effective_dimension(Z):
    """In how many directions latents vary: the participation ratio of their variances."""
    variances = np.linalg.eigvalsh(np.cov(Z.T))
    return float(variances.sum() ** 2 / (variances**2).sum())


def trained(dataset, name, n_components, seed, scale):
    """Fit one model on its seed's rows."""
    torch.set_num_threads(1)
    data = images(dataset)
    rows = np.random.RandomState(seed).permutation(len(data.data))[: scale.rows]
    return build(name, n_components, seed, scale).fit(data.data[rows])


def evaluate(dataset, name, n_components, seed, scale, affine_digits):
    """Train one model and measure all that the tables need of it."""
    model, data = trained(dataset, name, n_components, seed, scale), images(dataset)
    A_train, y_train, A_test, y_test = affine_digits
    Z_train, Z_test = model.transform(A_train), model.transform(A_test)
    whiten = PCA(whiten=True).fit(Z_train[:FEW])
    train, test = slice(scale.neighbours), slice(scale.queries)
    own = accuracy(
        model.transform(data.data[train]),
        data.target[train],
        model.transform(data.data_test[test]),
        data.target_test[test],
    )
    result = {
        "dimension": effective_dimension(Z_test),
        "deviation": float(np.exp(model.encode(A_test).log_var / 2).mean()),
        "affine": accuracy(Z_train, y_train, Z_test, y_test),
        "few": accuracy(Z_train[:FEW], y_train[:FEW], Z_test, y_test),
        "whitened": accuracy(
            whiten.transform(Z_train[:FEW]), y_train[:FEW], whiten.transform(Z_test), y_test
        ),
        "own": own,
        "labels": few_labels(Z_train, y_train, Z_test, y_test, scale.label_draws),
        "midpoints": midpoint_errors(model, dataset, scale),
    }
    if dataset == "MNIST":
        held_out = data.data_test[: scale.likelihood_rows]
        result["nats"] = -model.log_likelihood(held_out, scale.importance_samples).mean()
    return result


def lead(by_key, dataset, n_components, what, over, of="T-VAE"):
    """By how many points one model is ahead of another, paired by seed."""
    ours, theirs = (
        np.array([result[what] for result in by_key[dataset, model, n_components]])
        for model in (of, over)
    )
    return paired(ours, theirs)
