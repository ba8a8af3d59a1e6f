"""Anchors as arrays and what JSON can hold, and back: what their file has."""

from sklatent._posterior import Posterior
from sklatent._utils.estimator_codec import EstimatorDecoder, EstimatorEncoder, check_whole

_PAIRS = {"X", "Z", "encoded", "decoded"}


def content_of(points):
    """All there is, as arrays and what JSON can hold."""
    arrays = {"X": points.X, "Z": points.Z}
    if points.encoded is not points.Z:
        arrays["encoded"] = points.encoded
    if points.decoded is not points.X:
        arrays["decoded"] = points.decoded
    if points.posterior is not None:
        name = "log_var" if points.posterior.is_diagonal else "scale_tril"
        arrays[f"posterior.{name}"] = getattr(points.posterior, name)
    notes = None
    if points.preprocessing is not None:
        notes = {k: v for k, v in points.preprocessing.items() if isinstance(v, str)}
        numeric = points.preprocessing.keys() - notes.keys()
        arrays |= {f"preprocessing.{key}": points.preprocessing[key] for key in sorted(numeric)}
    metadata = {"preprocessing": notes}
    if points.feature_names is not None:
        metadata["feature_names"] = points.feature_names.tolist()
    if points.steps is not None:
        encoder = EstimatorEncoder()
        metadata["steps"] = encoder.estimator(points.steps)
        arrays |= {f"steps:{name}": array for name, array in encoder.arrays.items()}
    if points.held_out is not None:
        # Of names and preprocessing they have none of their own.
        held, _ = content_of(points.held_out)
        arrays |= {f"held_out:{name}": array for name, array in held.items()}
    return arrays, metadata


def arguments_from(arrays, metadata, make):
    """Parameters of the anchors that :func:`content_of` took this from; else an error."""
    preprocessing, posterior, of_steps, steps = metadata["preprocessing"], None, {}, None
    of_held, names = {}, metadata.get("feature_names")
    if not metadata.keys() <= {"preprocessing", "feature_names", "steps"}:
        raise ValueError(f"its metadata has the fields {sorted(metadata)}")
    if preprocessing is not None:
        preprocessing = dict(preprocessing)
        if not all(isinstance(note, str) for note in preprocessing.values()):
            raise ValueError("its notes on preprocessing are no texts")
    for name in arrays:
        group, _, key = name.partition(".")
        if name.startswith("steps:"):
            of_steps[name.removeprefix("steps:")] = arrays[name]
        elif name.startswith("held_out:"):
            of_held[name.removeprefix("held_out:")] = arrays[name]
        elif group == "posterior" and posterior is None:
            posterior = Posterior(arrays["Z"], **{key: arrays[name]})
        elif group == "preprocessing":
            preprocessing[key] = arrays[name]
        elif name not in _PAIRS:
            raise ValueError(f"it has an array {name!r}")
    if any(arrays[name].dtype.kind != "f" for name in _PAIRS & arrays.keys()):
        raise ValueError("its inputs and latents are no floats")
    if "steps" in metadata:
        decoder = EstimatorDecoder(of_steps)
        steps = decoder.estimator(metadata["steps"])
        decoder.check_all_used()
        check_whole(steps)
    elif of_steps:
        raise ValueError("it has numbers of steps, but no steps")
    held_out = None
    if of_held:
        of_held = arguments_from(of_held, {"preprocessing": None, "feature_names": names}, make)
        held_out = make(**of_held)
    return {
        "X": arrays["X"],
        "Z": arrays["Z"],
        "posterior": posterior,
        "preprocessing": preprocessing,
        "feature_names": names,
        "steps": steps,
        "encoded": arrays.get("encoded"),
        "decoded": arrays.get("decoded"),
        "held_out": held_out,
    }
