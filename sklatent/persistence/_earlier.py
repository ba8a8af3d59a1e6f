"""What files of earlier layouts mean: for each, the parameters that came after it."""

SCHEMA_VERSION = 3

# By the schema version of a file that lacks the parameter: what models did then.
_BEFORE = {
    1: {
        "activation": "relu",
        "init": "random",
        "annealing": 0.0,
        "warmup_epochs": 0,
        "early_stopping": False,
        "missing": "error",
    },
    2: {
        "covariates": None,
        "encoder_weight": 1.0,
        "decoder_weight": 1.0,
        "view_divergence_weight": 0.0,
    },
}
# By schema version and parameter: values that have got another name since.
_RENAMED = {1: {"likelihood": {"gaussian": "unit_gaussian"}}, 2: {}}


def complete_parameters(cls, saved, version):
    """Fill in parameters that a file of an earlier layout does not know.

    Parameters
    ----------
    cls : type
        The estimator's class.
    saved : dict of str to object
        The file's parameters, encoded.
    version : int
        The file's schema version.

    Returns
    -------
    parameters : dict of str to object
        What the file says, and what its version did where it says nothing.
    """
    names = set(cls._get_param_names())
    parameters = dict(saved)
    for earlier in range(version, SCHEMA_VERSION):
        for name, value in _BEFORE[earlier].items():
            if name in names:
                parameters.setdefault(name, value)
        for name, renamed in _RENAMED[earlier].items():
            value = parameters.get(name)
            if isinstance(value, str):
                parameters[name] = renamed.get(value, value)
    return parameters
