"""What a file holds, in words: for the shell, and for whoever got a file and nothing else."""

from sklatent._utils.files import content_hash, read_any
from sklatent._utils.versions import installed_versions

_KINDS = ("a fitted model", "Rosetta points", "channel fingerprints")


def card(path):
    """Describe a file, and verify it.

    Parameters
    ----------
    path : str or path-like
        A file written by :func:`save`, or by `save` of anchors or fingerprints.

    Returns
    -------
    text : str
        Several lines.

    Raises
    ------
    ValueError
        If the file is damaged, foreign, or contradicts itself.
    """
    arrays, envelope = read_any(path)
    lines = [("file", path), ("holds", envelope["kind"])]
    lines += _content(envelope["metadata"], arrays)
    versions = ", ".join(f"{name} {version}" for name, version in envelope["versions"].items())
    lines += [
        ("arrays", f"{len(arrays)}, {sum(a.nbytes for a in arrays.values()):,} bytes"),
        ("written by", versions),
        ("schema", envelope["schema_version"]),
        ("hash", content_hash(arrays, envelope)),
        ("verifies", _verify(path, envelope["kind"])),
    ]
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in lines)


def versions():
    """What a bug report needs: versions, one a line."""
    return "\n".join(f"{name:<13} {version}" for name, version in installed_versions().items())


def _content(saved, arrays):
    """Lines on what the metadata say; of anything unknown there are none."""
    if isinstance(saved.get("model"), dict):
        return list(_of_estimator(saved["model"], ""))
    if "preprocessing" in saved:
        return list(_of_points(saved, arrays))
    shapes = [(name, f"{a.dtype} {a.shape}") for name, a in sorted(arrays.items())]
    return shapes[:20]


def _of_estimator(saved, indent):
    yield f"{indent}estimator", _class_name(saved.get("estimator"))
    parameters, learned = saved.get("parameters", {}), saved.get("learned", {})
    steps = parameters.get("steps")
    for name, value in parameters.items():
        if name != "steps":
            yield f"{indent}  {name}", _short(value)
    for step in steps if isinstance(steps, list) else []:
        name, part = step["tuple"]
        if isinstance(part, dict) and "estimator" in part:
            yield f"{indent}step", name
            yield from _of_estimator(part, indent + "  ")
        else:
            yield f"{indent}step", f"{name}: {_short(part)}"
    for name in ("n_features_in_", "n_components_", "n_epochs_"):
        if name in learned:
            yield f"{indent}  {name}", learned[name]
    if "feature_names_in_" in learned:
        yield f"{indent}  features", _listed(learned["feature_names_in_"]["strings"])


def _of_points(saved, arrays):
    for name in ("X", "Z"):
        if name in arrays:
            yield f"{name}", f"{arrays[name].dtype} {arrays[name].shape}"
    if saved.get("feature_names"):
        yield "features", _listed(saved["feature_names"])
    kinds = [name.partition(".")[2] for name in arrays if name.startswith("posterior.")]
    yield "posterior", ", ".join(kinds) or "none"
    for name, note in (saved["preprocessing"] or {}).items():
        yield f"preprocessing {name}", note
    for name, array in arrays.items():
        if name.startswith("preprocessing."):
            yield name.replace(".", " "), _numbers(array)
    if "steps" in saved:
        yield "steps", "travel in the file"
        yield from _of_estimator(saved["steps"], "  ")


def _class_name(named):
    """A class of ours by its name, and anybody else's by its import path."""
    return _short(named) if isinstance(named, dict) else named


def _short(value):
    """One value in one line."""
    if isinstance(value, dict):
        if "estimator" in value:
            return _class_name(value["estimator"])
        if "custom" in value:
            return f"{value['custom']} (code, to be handed back)"
        (content,) = list(value.values())[:1]
        if "tuple" in value:
            return "(" + ", ".join(str(_short(item)) for item in content) + ")"
        return (
            f"{next(iter(value))} {content}"[:80] if isinstance(content, str) else next(iter(value))
        )
    if isinstance(value, list):
        return "[" + ", ".join(str(_short(item)) for item in value[:10]) + "]"
    return repr(value)[:80]


def _listed(names):
    shown = ", ".join(names[:10])
    return f"{len(names)}: {shown}" + (", ..." if len(names) > 10 else "")


def _numbers(array):
    flat = array.ravel()
    shown = ", ".join(f"{value:.6g}" for value in flat[:6])
    return f"{array.shape}: {shown}" + (", ..." if len(flat) > 6 else "")


def _verify(path, kind):
    """Read the file as what it says it is."""
    from sklatent import ChannelFingerprints, RosettaPoints, load

    if kind == "Rosetta points":
        RosettaPoints.load(path)
    elif kind == "a fitted model":
        try:
            load(path)
        except ValueError as error:
            if "code that no file holds" not in str(error):
                raise
            return "hash; the rest needs code of its own: " + str(error).partition("holds: ")[2]
    elif "fingerprints" in kind:
        ChannelFingerprints.load(path)
    else:
        return "hash"
    return "hash and content"
