"""Files as somebody hostile makes them: content changed, the hash made anew; and what comes of it.

Each file is one change away from a good one. It may be refused, by a ValueError, or be accepted, if
what it holds then still agrees with itself; nothing else.
"""

import copy
import io
import json
import time

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklatent
from sklatent import (
    VAE,
    Autoencoder,
    ChannelHotspots,
    ICPAligner,
    LinearAligner,
    RelativeProjection,
    RigidAligner,
    RosettaPoints,
    RosettaVAE,
    StitchingAligner,
    VAEEnsemble,
)
from sklatent._utils.files import read_any, to_bytes
from sklatent.transformations import Compose, RandomRotation, RandomShift

SMALL = {"hidden_layer_sizes": (3,), "max_epochs": 1, "random_state": 0}
LONGEST = 5.0  # seconds that one file may take
# What replaces a value anywhere in the JSON: sizes, signs, kinds, names of code.
ODD = [
    None, True, False, 0, 1, -1, 2, 3, 7, 10**6, 10**9, -(10**9), 2**31, 2**63, 10**40, 0.5, -0.5,
    1e-300, 1e300, "", "a", "os.system", "VAE", "__class__", "_doc_link_template", "cuda:7", "meta",
    "U536870911", "float64", [], {}, [1], [20000, 20000], [3] * 20000, {"float": "nan"},
    {"float": "inf"}, {"tuple": [20000, 20000]}, {"dict": []}, {"custom": "os.system"},
    {"optimizer": "LBFGS"}, {"estimator": "VAE"}, {"array": "X"}, {"tensor": "nothing"},
    {"device": "meta"}, {"device": "nowhere"}, {"path": "somewhere"},
    {"strings": ["a" * 10**5] + ["a"] * 10**4, "shape": [10001], "dtype": "str"},
    {"slice": [0, 10**12, None]}, {"type": "object"}, {"dtype": "U9"}, {"function": "log1p"},
]  # fmt: skip


def sources():
    """Bytes of good files of every kind, by name, with what reads each."""
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(24, 4))
    y = X @ rng.normal(size=(4, 3))
    points = RosettaPoints.distill(PCA(2).fit(X), X, 5, random_state=0, preprocessing={"scale": 2})
    scaled = RosettaPoints.distill(make_pipeline(StandardScaler(), PCA(2)).fit(X), X, 5)
    turning = Compose([RandomRotation(10), RandomShift(0.1)])
    models = {
        "vae": VAE(2, **SMALL),
        "full": VAE(2, posterior="full", early_stopping=True, init="random", **SMALL),
        "state": VAE(2, hidden_layer_sizes=(3,), max_epochs=1,
                     random_state=np.random.RandomState(0)),
        "augmented": VAE(2, image_shape=(1, 2, 2), augmentation=turning, **SMALL),
        "rosetta": RosettaVAE(2, rosetta_points=points, **SMALL),
        "ensemble": VAEEnsemble(2, n_estimators=2, **SMALL),
        "autoencoder": Autoencoder(2, **SMALL),
        "linear": LinearAligner(),
        "rigid": RigidAligner(),
        "icp": ICPAligner(),
        "stitching": StitchingAligner(max_epochs=2, random_state=0),
        "relative": RelativeProjection(n_anchors=5, random_state=0),
        "hotspots": ChannelHotspots(min_samples=5),
        "pipeline": make_pipeline(StandardScaler(), PCA(2), VAE(2, **SMALL)),
    }  # fmt: skip
    found = {}
    for name, model in models.items():
        found[name] = _bytes(sklatent.save, model.fit(X, y)), sklatent.load
    for name, anchors in (("points", points), ("scaled_points", scaled)):
        found[name] = _bytes(lambda a, to: a.save(to), anchors), RosettaPoints.load
    return found, X


def _bytes(save, value):
    file = io.BytesIO()
    save(value, file)
    return file.getvalue()


class Changer:
    """Changes one thing of a good file, and makes its hash anew.

    Parameters
    ----------
    data : bytes
        The good file.
    """

    def __init__(self, data):
        self.arrays, self.envelope = read_any(io.BytesIO(data))

    def change(self, rng):
        """Return a changed file and a sentence that says what is changed."""
        arrays = dict(self.arrays)
        metadata = copy.deepcopy(self.envelope["metadata"])
        version = self.envelope["schema_version"]
        kind = rng.integers(10)
        if kind < 6:
            what = self._change_json(metadata, rng)
        elif kind < 9:
            what = self._change_array(arrays, rng)
        else:
            version = int(rng.choice([0, -7, 1, 2, 99]))
            what = f"schema version {version}"
        data, _ = to_bytes(arrays, metadata, kind=self.envelope["kind"], schema_version=version)
        return data, what

    @staticmethod
    def _change_json(metadata, rng):
        places = []

        def walk(value, path):
            items = value.items() if isinstance(value, dict) else enumerate(value)
            for key, inner in items:
                places.append((value, key, [*path, key]))
                if isinstance(inner, (dict, list)):
                    walk(inner, [*path, key])

        walk(metadata, [])
        parent, key, path = places[rng.integers(len(places))]
        where = "/".join(map(str, path))
        action = rng.integers(5)
        if action == 0:
            del parent[key]
            return f"without {where}"
        if action == 1 and isinstance(parent, dict):
            parent[str(rng.choice(["_doc_link_template", "fit", "__dict__", "extra_", "a"]))] = 1
            return f"something beside {where}"
        if action == 2:
            other = places[rng.integers(len(places))]
            parent[key] = copy.deepcopy(other[0][other[1]])
            return f"{where} as {'/'.join(map(str, other[2]))}"
        parent[key] = copy.deepcopy(ODD[rng.integers(len(ODD))])
        return f"{where} = {json.dumps(parent[key])[:60]}"

    @staticmethod
    def _change_array(arrays, rng):
        name = sorted(arrays)[rng.integers(len(arrays))]
        array = arrays[name]
        action = rng.integers(8)
        if action == 0:
            del arrays[name]
        elif action == 1:
            arrays[name] = array[..., :-1] if array.ndim and array.shape[-1] else array[None]
        elif action == 2:
            arrays[name] = array.ravel()[None]
        elif action == 3:
            arrays[name] = array.astype(rng.choice(["float64", "int64", "bool", "uint8"]))
        elif action == 4 and array.size:
            flat = array.ravel().copy()
            flat[rng.integers(flat.size)] = rng.choice(_extremes(flat.dtype))
            arrays[name] = flat.reshape(array.shape)
        elif action == 5:
            arrays[f"{name}.more"] = array
        elif action == 6:
            arrays[name] = arrays[sorted(arrays)[rng.integers(len(arrays))]]
        else:
            arrays[name] = np.zeros((0, *array.shape[1:]), array.dtype)
        return f"array {name}, change {action}"


def _extremes(dtype):
    if dtype.kind == "f":
        return np.array([np.nan, np.inf, 1e30, -1, 0], dtype)
    if dtype.kind in "iu":
        return np.array([np.iinfo(dtype).min, np.iinfo(dtype).max, 0, 1], dtype)
    return np.array([False, True])


def attack(n_files, seed):
    """Read many changed files.

    Parameters
    ----------
    n_files : int
        How many.
    seed : int
        Determines all changes.

    Returns
    -------
    counts : dict of str to int
        How many were refused, and how many accepted.
    faults : list of str
        What should not have happened.
    """
    rng = np.random.default_rng(seed)
    found, X = sources()
    changers = {name: (Changer(data), load) for name, (data, load) in found.items()}
    counts, faults = {"refused": 0, "accepted": 0}, []
    for number in range(n_files):
        name = sorted(changers)[number % len(changers)]
        changer, load = changers[name]
        data, what = changer.change(rng)
        began = time.perf_counter()
        try:
            loaded = load(io.BytesIO(data))
        except ValueError:
            counts["refused"] += 1
        except Exception as error:  # what the test is about
            faults.append(f"{name}: {what}: {type(error).__name__}: {error}")
        else:
            counts["accepted"] += 1
            reason = contradiction(loaded, X, counts["accepted"] % 4 == 0)
            if reason:
                faults.append(f"{name}: {what}: accepted, but {reason}")
        if time.perf_counter() - began > LONGEST:
            faults.append(f"{name}: {what}: took {time.perf_counter() - began:.1f} s")
    return counts, faults


def contradiction(loaded, X, save_again=True):
    """What is wrong with something that was accepted, or None."""
    try:
        if isinstance(loaded, RosettaPoints):
            assert np.isfinite(loaded.X).all()
            assert len(loaded.X) == len(loaded.Z)
            loaded.to_frame()
            return None
        repr(loaded)
        assert "alert" not in loaded._repr_html_()
        if hasattr(loaded, "transform"):
            Z = loaded.transform(X)
            n_named = len(loaded.get_feature_names_out())
            assert Z.shape == (len(X), n_named), f"{Z.shape}, {n_named} names"
            assert not np.isnan(np.asarray(Z)).any(), "it encodes as NaN"
        last = loaded[-1] if hasattr(loaded, "steps") else loaded
        if hasattr(last, "net_"):
            assert len(last.history_) == len(last.net_.history)
            weights = last.net_.module_.parameters()
            assert all(bool(torch.isfinite(w).all()) for w in weights)
            assert last.get_params(deep=False).get("checkpoint_dir") is None
        if save_again:
            sklatent.save(loaded, io.BytesIO())
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None
