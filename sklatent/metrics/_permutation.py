"""How far a linear map between latent spaces is from relabelling and flipping axes."""

import warnings
from functools import lru_cache

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.utils import Bunch

from sklatent._utils.arrays import to_array
from sklatent._utils.options import check_options
from sklatent.metrics._blocks import binary_exponent
from sklatent.metrics._reproducibility import latent_space_distortion
from sklatent.metrics._validation import active_columns, check_codes

_NORMS = ("l1", "frobenius")
_LARGEST = 1e150
_SOLVERS = ("assignment", "milp")


def _check_square(M):
    # Not check_array: it alone would take several times as long as the assignment at n = 10.
    M = to_array(M, "M")
    if M.dtype.kind not in "biuf":
        raise TypeError(f"M must hold real numbers, got dtype {M.dtype}.")
    if M.ndim != 2 or M.shape[0] != M.shape[1] or M.shape[0] == 0:
        raise ValueError(
            f"M must be a square matrix, got shape {M.shape}. A map between spaces of different "
            "sizes has no nearest signed permutation."
        )
    M = M.astype(np.float64, copy=False)
    if not np.isfinite(M).all():
        raise ValueError("M contains NaN or infinity.")
    if max(M.max(), -M.min()) > _LARGEST:
        raise ValueError(
            f"M holds values beyond {_LARGEST:.0e}, whose distance is not a finite number."
        )
    return M


def _nearest_by_assignment(M, norm):
    """Return the nearest signed permutation, with the sign of each chosen entry set free.

    Putting the sign of m where m stands changes the l1 distance by ||m| - 1| - |m|, and the squared
    Frobenius distance by 1 - 2|m|. Both add up over the chosen entries: a linear assignment.
    """
    size = np.abs(M)
    cost = np.abs(size - 1.0) - size if norm == "l1" else -size
    rows, columns = linear_sum_assignment(cost)
    P = np.zeros_like(M)
    # Adding zero makes a negative zero positive.
    P[rows, columns] = np.copysign(1.0, M[rows, columns] + 0.0)
    return P


def _nearest_by_milp(M, norm):
    """Solve the paper's mixed-integer program (equation 9) with the solver PuLP brings along."""
    import pulp

    with warnings.catch_warnings():
        # PuLP 3 announces the interface of PuLP 4, which no release of PuLP 2 has.
        warnings.simplefilter("ignore", DeprecationWarning)
        return _solve_program(pulp, M, norm)


def _solve_program(pulp, M, norm):
    n = len(M)
    cells = [(i, j) for i in range(n) for j in range(n)]
    plus = pulp.LpVariable.dicts("plus", cells, cat="Binary")
    minus = pulp.LpVariable.dicts("minus", cells, cat="Binary")
    problem = pulp.LpProblem("nearest_signed_permutation", pulp.LpMinimize)
    if norm == "l1":
        gap = pulp.LpVariable.dicts("gap", cells, lowBound=0)
        problem += pulp.lpSum(gap.values())
        for cell in cells:
            problem += plus[cell] - minus[cell] - float(M[cell]) <= gap[cell]
            problem += float(M[cell]) - plus[cell] + minus[cell] <= gap[cell]
    else:
        problem += pulp.lpSum(-float(M[cell]) * (plus[cell] - minus[cell]) for cell in cells)
    for i in range(n):
        problem += pulp.lpSum(plus[i, j] + minus[i, j] for j in range(n)) == 1
        problem += pulp.lpSum(plus[j, i] + minus[j, i] for j in range(n)) == 1
    # The default gap of CBC would let it stop short of the optimum.
    problem.solve(pulp.PULP_CBC_CMD(msg=False, gapRel=0.0, gapAbs=0.0))
    # `status` says "Optimal" also for a search that was cut short; `sol_status` is the proof.
    if problem.sol_status != pulp.LpSolutionOptimal:
        raise RuntimeError(
            "The mixed-integer solver stopped without proving its solution optimal "
            f"({pulp.LpSolution[problem.sol_status]}). Use solver='assignment', which is exact."
        )
    P = np.zeros_like(M)
    for cell in cells:
        P[cell] = round(plus[cell].value()) - round(minus[cell].value())
    return P


@check_options()
def distance_to_signed_permutation(M, *, norm="l1", solver="assignment", return_permutation=False):
    """Distance of a square matrix from the nearest signed permutation matrix.

    Signed permutations P only relabel and flip axes; the paper calls the distance "distance to
    orthogonality" (DtO). With `norm="l1"` it is

    .. math:: \\frac{1}{n^2} \\min_P \\sum_{ij} |M_{ij} - P_{ij}|

    (equations 8 to 10), with `norm="frobenius"` it is :math:`\\min_P \\|M - P\\|_F`. It is zero for
    a signed permutation, never negative and not bounded; smaller is better.

    Parameters
    ----------
    M : array-like of shape (n, n)
        Square matrix, such as the map between the latent spaces of two models.

    norm : {"l1", "frobenius"}, default="l1"
        The norm of M - P. Only the l1 norm is divided by n squared, as in the paper.

    solver : {"assignment", "milp"}, default="assignment"
        `"assignment"` solves an equivalent linear assignment problem, exactly and in O(n^3).
        `"milp"` solves the paper's mixed-integer linear program with PuLP, thousands of times more
        slowly; it is there to check the other.

    return_permutation : bool, default=False
        Whether to return the nearest signed permutation as well.

    Returns
    -------
    distance : float
        The distance.

    permutation : ndarray of shape (n, n)
        The nearest signed permutation, one of them if there are several. Only returned if
        `return_permutation` is true.

    Raises
    ------
    ValueError
        If `M` is not square, not finite, or an option is unknown.

    RuntimeError
        If the mixed-integer solver could not prove its solution optimal.

    Notes
    -----
    A small distance alone proves little: the zero matrix scores 1/n and half the identity
    1/(2n), so maps between latents that shrink, or of components that carry nothing, look
    aligned. :func:`signed_permutation_report` judges the map between active components at unit
    variance instead, beside what a map that explains nothing would score.

    References
    ----------
    "Improving the unsupervised disentangled representation learning with VAE ensemble", equations
    8 to 10. M. Rolinek, D. Zietlow, G. Martius, "Variational autoencoders pursue PCA directions
    (by accident)", CVPR 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.metrics import distance_to_signed_permutation
    >>> distance_to_signed_permutation([[0.0, -1.0], [1.0, 0.0]])
    0.0
    >>> distance_to_signed_permutation(np.zeros((4, 4)))
    0.25
    """
    if not isinstance(norm, str) or norm not in _NORMS:
        raise ValueError(f"norm must be one of {_NORMS}, got {norm!r}.")
    if not isinstance(solver, str) or solver not in _SOLVERS:
        raise ValueError(f"solver must be one of {_SOLVERS}, got {solver!r}.")
    M = _check_square(M)
    P = _nearest_by_assignment(M, norm) if solver == "assignment" else _nearest_by_milp(M, norm)
    difference = M - P
    if norm == "l1":
        distance = float(np.abs(difference).sum()) / M.size
    else:
        distance = float(np.sqrt(np.vdot(difference, difference)))
    return (distance, P) if return_permutation else distance


def _active_standardized(Z, name):
    Z = check_codes(Z, name)
    Z = np.ldexp(Z, -binary_exponent(Z))
    active = active_columns(Z.var(axis=0))
    if not active.any():
        raise ValueError(f"{name} does not vary over the samples, so nothing is active in it.")
    Z = Z[:, active]
    return (Z - Z.mean(axis=0)) / Z.std(axis=0)


@lru_cache(maxsize=64)
def _distance_of_rotations(k, norm):
    """Mean distance of random orthogonal matrices; the draws are fixed."""
    draws = np.linalg.qr(np.random.RandomState(0).normal(size=(200, k, k)))[0]
    # QR leaves signs of columns that are not uniform, but signs do not matter here.
    return float(np.mean([distance_to_signed_permutation(Q, norm=norm) for Q in draws]))


@check_options()
def signed_permutation_report(Z, Z_target, *, norm="l1"):
    """Whether two latent spaces have the same axes, by numbers that collapse cannot fake.

    Only active components count, those with more than a hundredth of the variance of the most
    active one, each scaled to unit variance. Reported of the best linear map between them are its
    R^2 (are the spaces linearly equivalent?) and its distance from a signed permutation (are the
    axes the same?). Neither changes when a space is shrunk or gains passive components.

    Parameters
    ----------
    Z : array-like of shape (n_samples, n_components)
        Latents of the samples in one space, such as posterior means.

    Z_target : array-like of shape (n_samples, n_targets)
        Latents of the same samples, in the same order, in the other space.

    norm : {"l1", "frobenius"}, default="l1"
        The norm of the distance; see :func:`distance_to_signed_permutation`.

    Returns
    -------
    report : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        distance : float
            Distance of `map` from the nearest signed permutation; smaller is better. Where the
            spaces have different numbers of active components, rows or columns of zeros make it
            square, and count.
        floor : float
            What a map of zeros scores: 1/k or, in the Frobenius norm, sqrt(k).
        rotated : float
            What spaces equal but for a rotation by arbitrary angles score: the mean over 200 random
            orthogonal matrices. A distance must be well below it, and below `floor`, to be evidence
            of common axes; which of the two is smaller depends on k.
        r2 : float
            Fraction of the variance of the scaled target that the map explains, in [0, 1].
        map : ndarray of shape (k, k)
            The map, from standardised active components of `Z` to those of `Z_target`, with k the
            larger number of active components.
        n_active : int
            Number of active components of `Z`.
        n_active_target : int
            Number of active components of `Z_target`.

    Raises
    ------
    ValueError
        If lengths differ, a space is constant, entries are not finite, or there are no more samples
        than active components plus one.

    References
    ----------
    "Improving the unsupervised disentangled representation learning with VAE ensemble", section 5
    and appendix B, for the distance.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.metrics import signed_permutation_report
    >>> rng = np.random.default_rng(0)
    >>> Z = rng.normal(size=(300, 3))
    >>> passive = 1e-3 * rng.normal(size=(300, 1))
    >>> report = signed_permutation_report(Z, np.hstack([passive, -0.2 * Z[:, ::-1]]))
    >>> round(report.distance, 10), report.n_active_target
    (0.0, 3)
    """
    Z, Z_target = _active_standardized(Z, "Z"), _active_standardized(Z_target, "Z_target")
    unexplained, A, _ = latent_space_distortion(Z, Z_target, return_map=True)
    k = max(A.shape)
    square = np.zeros((k, k))
    square[: A.shape[0], : A.shape[1]] = A
    return Bunch(
        distance=distance_to_signed_permutation(square, norm=norm),
        floor=1 / k if norm == "l1" else float(np.sqrt(k)),
        rotated=_distance_of_rotations(k, norm),
        r2=1.0 - unexplained / A.shape[0],
        map=square,
        n_active=A.shape[1],
        n_active_target=A.shape[0],
    )
