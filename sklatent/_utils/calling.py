"""Calls of functions that users hand over, whose failures name the parameter they came with."""

from numbers import Real


def call_users(name, form, function, *args, **kwargs):
    """Call a user's function.

    Parameters
    ----------
    name : str
        The parameter that it was given as.
    form : str
        How it is called, such as ``"(X, Y)"``.
    function : callable
        The function.
    *args, **kwargs
        What it is called with.

    Returns
    -------
    object
        What it returns.

    Raises
    ------
    ValueError, TypeError
        If it raises anything: a TypeError for a TypeError, which a wrong signature gives.
    """
    try:
        return function(*args, **kwargs)
    except Exception as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(
            f"{name} is called as {form} and raised {type(error).__name__}: {error}"
        ) from error


def call_for_number(name, form, function, *args):
    """Call a user's function, which has to return a number."""
    value = call_users(name, form, function, *args)
    if not isinstance(value, Real):
        raise TypeError(f"{name} returned a {type(value).__name__}; it must return a number.")
    return value
