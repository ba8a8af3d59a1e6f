"""What is too much: for the machine's memory, said before any of it is made, and for torch."""

import os

# What torch's kernels can't hold in float32 is refused long before.
LARGEST_RATE = 1e30
_BYTES = 4.0  # of one number, at the least


def require_room(n_numbers, what):
    """Refuse what can't be in this machine's memory.

    Parameters
    ----------
    n_numbers : int or float
        How many numbers there will be, at the least.
    what : str
        What asks for them: parameters and their values.

    Raises
    ------
    ValueError
        If they take more than all memory there is.
    """
    needed, there = _BYTES * float(n_numbers), _memory()
    if needed > there:
        raise ValueError(
            f"{what} takes at least {needed / 2**30:.3g} GiB, and this machine's memory is "
            f"{there / 2**30:.3g} GiB. Choose less."
        )


def _memory():
    try:
        return float(os.sysconf("SC_PAGE_SIZE")) * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # no such thing on Windows
        return float(2**43)
