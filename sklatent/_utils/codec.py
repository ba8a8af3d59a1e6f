"""Nested values as JSON and arrays, and back: the one codec of everything that is in a file.

Plain values are themselves; everything else is an object with one key, which says of what kind it
is: ``{"tuple": [...]}``, ``{"array": "name of an array of the file"}``. A subclass adds kinds.
"""

import math

import numpy as np

# Room that strings of an array may take; each takes as much as the longest.
_MAX_STRINGS = 64 << 20


class Encoder:
    """Turns values into JSON and collects their arrays.

    Attributes
    ----------
    arrays : dict of str to ndarray
        What is too large for JSON, by the path that leads to it.
    """

    def __init__(self):
        self.arrays = {}

    def value(self, value, path):
        """Encode any value that lies at `path`."""
        if isinstance(value, (np.bool_, np.integer, np.floating)):
            value = value.item()
        if isinstance(value, float) and not math.isfinite(value):
            return {"float": str(value)}
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, (list, tuple)):
            items = [self.value(item, f"{path}.{i}") for i, item in enumerate(value)]
            return items if isinstance(value, list) else {"tuple": items}
        if isinstance(value, dict):
            pairs = value.items()
            return {"dict": [[self.value(k, path), self.value(v, f"{path}.{k}")] for k, v in pairs]}
        if isinstance(value, np.ndarray):
            return self._array(value, path)
        return self.other(value, path)

    def other(self, value, path):
        """Encode what is not plain; a subclass knows more kinds."""
        raise TypeError(
            f"{path} is a {type(value).__qualname__}, which a file without code cannot hold."
        )

    def store(self, array, path):
        """Put an array beside the JSON; returns the name by which it is found."""
        while path in self.arrays:  # keys 1 and "1" of one dict
            path += "_"
        self.arrays[path] = array
        return path

    def _array(self, array, path):
        if array.dtype.kind in "OU" and all(isinstance(item, str) for item in array.flat):
            dtype = "object" if array.dtype.kind == "O" else "str"
            return {"strings": array.ravel().tolist(), "shape": list(array.shape), "dtype": dtype}
        if array.dtype.kind == "O":
            items = [self.value(v, f"{path}.{i}") for i, v in enumerate(array.flat)]
            return {"objects": items, "shape": list(array.shape)}
        if array.dtype.kind not in "biuf":
            raise TypeError(f"{path} is an array of {array.dtype}, which a file cannot hold.")
        # The order in memory decides in which order sums are taken, and so their last digits.
        kind = "fortran" if array.flags.f_contiguous and not array.flags.c_contiguous else "array"
        return {kind: self.store(array, path)}


class Decoder:
    """Turns JSON and arrays back into values.

    Parameters
    ----------
    arrays : dict of str to ndarray
        The file's arrays.

    Attributes
    ----------
    used : set of str
        Names of the arrays that were asked for.
    """

    def __init__(self, arrays):
        self.arrays = arrays
        self.used = set()
        self.kinds = {
            "float": self._float,
            "tuple": lambda items: tuple(self.value(item) for item in _list(items)),
            "dict": lambda pairs: {self.value(k): self.value(v) for k, v in _list(pairs)},
            "array": self.array,
            "fortran": lambda name: np.asfortranarray(self.array(name)),
        }

    def value(self, saved):
        """Decode any value; ValueError, LookupError or TypeError if it is not one."""
        if isinstance(saved, list):
            return [self.value(item) for item in saved]
        if not isinstance(saved, dict):
            return saved
        if "strings" in saved:
            return _strings(saved["strings"], saved["shape"], saved["dtype"])
        if "objects" in saved:
            return self._objects(saved["objects"], saved["shape"])
        if len(saved) != 1:
            raise ValueError(f"an object with the keys {sorted(saved)} is of no kind")
        ((kind, content),) = saved.items()
        if kind not in self.kinds:
            raise ValueError(f"{kind!r} is no kind of value")
        return self.kinds[kind](content)

    def array(self, name):
        """Return the array of that name."""
        self.used.add(name)
        return self.arrays[name]

    def check_all_used(self):
        """Refuse arrays that nothing refers to."""
        unused = sorted(self.arrays.keys() - self.used)
        if unused:
            raise ValueError(f"nothing refers to its arrays {', '.join(unused[:5])}")

    def _objects(self, items, shape):
        array = np.empty(len(_list(items)), dtype=object)
        for i, item in enumerate(items):
            array[i] = self.value(item)
        return _shaped(array, shape)

    @staticmethod
    def _float(text):
        if text not in ("nan", "inf", "-inf"):
            raise ValueError(f"{text!r} is no number that JSON lacks")
        return float(text)


def _list(value):
    if not isinstance(value, list):
        raise TypeError(f"a list was expected, not a {type(value).__name__}")
    return value


def _strings(items, shape, dtype):
    if not all(isinstance(item, str) for item in _list(items)) or dtype not in ("object", "str"):
        raise ValueError("an array of strings holds something else")
    if dtype == "str":
        longest = max(map(len, items), default=0)
        if 4 * longest * len(items) > max(_MAX_STRINGS, 64 * sum(map(len, items))):
            raise ValueError("an array of strings would take much more room than its text")
    return _shaped(np.array(items, dtype=dtype), shape)


def _shaped(array, shape):
    if any(type(n) is not int or n < 0 for n in _list(shape)) or math.prod(shape) != array.size:
        raise ValueError(f"{array.size} values do not fill the shape {shape}")
    return array.reshape(shape)
