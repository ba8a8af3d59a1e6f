"""What a run is known by: a description of parameters, code among them, alike in every process."""

import copyreg
import dis
import functools
import hashlib
import importlib
import inspect
import json
import sys
import sysconfig
import types
from collections.abc import Iterator
from pathlib import Path, PurePath

import numpy as np
import torch

_PLAIN = (str, bytes, int, float, complex, bool, type(None), torch.dtype, torch.device)
_DATA = (*_PLAIN, list, tuple, dict, set, frozenset, np.ndarray, torch.Tensor, types.ModuleType)
_DESCRIPTORS = (types.WrapperDescriptorType, types.MethodDescriptorType)
_DESCRIPTORS += (types.ClassMethodDescriptorType, types.GetSetDescriptorType)
_LIBRARIES = tuple(
    str(Path(sysconfig.get_path(name)).resolve()) for name in ("purelib", "platlib", "stdlib")
)


class UnidentifiableError(TypeError):
    """Something whose content can't be known surely, such as compiled code with a state."""


def run_digest(description, arrays):
    """Hash a JSON-able description and the arrays that a run trains on."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(json.dumps(description, sort_keys=True, default=repr).encode())
    for array in arrays:
        digest.update(f"{array.dtype} {array.shape}".encode())
        for start in range(0, len(array), 4096):
            digest.update(np.ascontiguousarray(array[start : start + 4096]).tobytes())
    return digest.hexdigest()


def identify(value, seen=None):
    """Describe a parameter's content as JSON, alike in every process.

    A function is its instructions, its defaults, its attributes and what it reads: captured
    variables, globals and imports. An object is what it would be pickled as.

    Raises
    ------
    UnidentifiableError
        If the content can't be known surely.
    """
    if seen is None:
        try:
            return identify(value, {})
        except RecursionError as error:
            raise UnidentifiableError(f"too much behind a {type(value).__name__}") from error
    if isinstance(value, _PLAIN):
        return repr(value)
    if isinstance(value, PurePath):  # whose attributes are caches
        return [type(value).__name__, str(value)]
    if isinstance(value, (np.generic, np.dtype)):
        return [type(value).__name__, repr(value)]
    if id(value) in seen:  # functions may call each other
        return ["seen", seen[id(value)][0]]
    seen[id(value)] = (len(seen), value)  # held, so that nothing else gets its id

    def inner(item):
        return identify(item, seen)

    if type(value) is np.ndarray:
        return _array(value, inner)
    if isinstance(value, torch.Tensor):
        return _tensor(value, inner)
    if hasattr(value, "content_hash") and not isinstance(value, type):
        return [type(value).__qualname__, value.content_hash]
    if type(value) in (list, tuple):
        return [inner(item) for item in value]
    if isinstance(value, types.MappingProxyType) or type(value) is dict:
        return [[inner(key), inner(item)] for key, item in value.items()]
    if type(value) in (set, frozenset):
        return sorted(map(json.dumps, map(inner, value)))
    return _code_or_object(value, inner)


def _code_or_object(value, inner):
    if isinstance(value, types.ModuleType):
        return _module(value, inner)
    if isinstance(value, types.CodeType):
        return _code(value, inner)
    if isinstance(value, types.MethodType):
        return ["method", inner(value.__func__), inner(value.__self__)]
    if isinstance(value, types.FunctionType):
        return _function(value, inner)
    if isinstance(value, type):
        return _class(value, inner)
    if isinstance(value, types.BuiltinFunctionType) and _has_no_state(value):
        return [value.__module__, value.__qualname__]
    if isinstance(value, _DESCRIPTORS):
        return ["of", inner(value.__objclass__), value.__name__]
    if isinstance(value, functools.cached_property):  # which holds a lock
        return ["cached", inner(value.func)]
    if isinstance(value, functools._lru_cache_wrapper):  # known to pickle by its name
        return ["lru_cache", inner(value.__wrapped__), inner(value.cache_parameters())]
    if isinstance(value, property):
        return ["property", inner((value.fget, value.fset, value.fdel))]
    if isinstance(value, (staticmethod, classmethod)):
        return [type(value).__name__, inner(value.__func__)]
    if hasattr(value, "net_") and hasattr(value, "get_params"):  # whose history has a clock
        parameters = sorted(value.get_params(deep=False).items())
        return [inner(type(value)), inner(parameters), inner(value.net_.module_)]
    return _object(value, inner)


def _array(value, inner):
    if value.dtype.hasobject:
        return [value.shape, inner(value.tolist())]
    return run_digest("array", [np.atleast_1d(value)])


def _tensor(value, inner):
    kind = [type(value).__name__, str(value.dtype), value.requires_grad]
    value = value.detach()
    try:
        exact = value.float() if value.dtype in (torch.bfloat16, torch.float16) else value
        return [*kind, _array(exact.cpu().resolve_conj().resolve_neg().numpy(), inner)]
    except (TypeError, RuntimeError) as error:
        raise UnidentifiableError(f"a tensor of type {kind[1]} on {value.device}") from error


def _has_no_state(builtin):
    owner = getattr(builtin, "__self__", None)
    return owner is None or isinstance(owner, (types.ModuleType, type))


def _object(value, inner):
    """An object by its class and by what pickle would keep of it."""
    if isinstance(value, Iterator):  # a run would use it up, and resuming would begin anew
        raise UnidentifiableError(f"{value!r} of type {type(value).__name__}")
    if isinstance(value, torch.nn.Module):  # whose hooks are counted over the whole process
        kept = {n: [*v.values()] if "_hooks" in n else v for n, v in vars(value).items()}
        return [inner(type(value)), inner(kept)]
    try:
        reduce = copyreg.dispatch_table.get(type(value))
        kept = reduce(value) if reduce else value.__reduce_ex__(2)
    except Exception as error:  # whatever a class of somebody's raises
        raise UnidentifiableError(f"{value!r} of type {type(value).__name__}") from error
    if isinstance(kept, str):
        return [inner(type(value)), kept]
    parts = [list(part) if i > 2 and part is not None else part for i, part in enumerate(kept)]
    return [inner(type(value)), [inner(part) for part in parts]]


def _class(cls, inner):
    """A library's class by its name, another by what it and those that it inherits from define."""
    if _is_library(cls.__module__) and "<locals>" not in cls.__qualname__:
        return [cls.__module__, cls.__qualname__, _version(cls.__module__)]
    skipped = ("__dict__", "__weakref__", "__doc__", "__module__", "__firstlineno__", "_abc_impl")
    skipped += ("__slotnames__", "__annotations__", "__static_attributes__", "__abstractmethods__")
    bodies = [
        [name, inner(item)]
        for name, item in vars(cls).items()
        if name not in skipped
        and not isinstance(item, (types.MemberDescriptorType, types.GetSetDescriptorType))
    ]
    families = [inner(type(cls)), *map(inner, cls.__bases__)]
    return [inner(cls.__module__), cls.__qualname__, families, bodies]


def _function(function, inner):
    captured = []
    for cell in function.__closure__ or ():
        try:
            captured.append(inner(cell.cell_contents))
        except ValueError:  # not filled yet
            captured.append("empty")
    if _is_library(function.__module__):
        version = _version(function.__module__)
        return [function.__module__, function.__qualname__, version, captured]
    code = function.__code__
    names = sorted(set(_global_names(code)) & set(function.__globals__))
    package = function.__globals__.get("__package__")
    return [
        function.__qualname__,
        _code(code, inner),
        inner(function.__defaults__),
        inner(function.__kwdefaults__),
        inner(function.__dict__),
        captured,
        [[name, inner(function.__globals__[name])] for name in names],
        [_imported(name, package, inner) for name in sorted(set(_imports(code)))],
    ]


def _code(code, inner):
    """Instructions and constants: not the file and the line, which say where they stood."""
    names = [code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars]
    return [code.co_code.hex(), inner(code.co_consts), names, code.co_flags, code.co_argcount]


def _global_names(code):
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _global_names(constant)


def _imports(code):
    """Names of modules that are imported while the code runs, with their dots."""
    level = 0
    for instruction in dis.get_instructions(code):
        if instruction.opname == "LOAD_CONST" and isinstance(instruction.argval, int):
            level = instruction.argval
        if instruction.opname == "IMPORT_NAME":
            yield "." * level + instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _imports(constant)


def _imported(name, package, inner):
    try:
        module = importlib.import_module(name, package)
    except Exception as error:  # it may be guarded by a try of its own
        return [name, type(error).__name__]
    return inner(module)


def _module(module, inner):
    """An installed library is its version, a module of the user's own is its source and data."""
    name = module.__name__
    if _is_library(name):
        return ["module", name, _version(name)]
    file = inspect.getsourcefile(module) if getattr(module, "__file__", None) else None
    if file is None:
        raise UnidentifiableError(f"the module {name}, which has no source file")
    source = hashlib.blake2b(Path(file).read_bytes(), digest_size=16).hexdigest()
    # Its own functions are in the source; numbers may have been set since, and others imported.
    rest = [
        [key, inner(item)]
        for key, item in sorted(vars(module).items())
        if not key.startswith("__")
        and (isinstance(item, _DATA) or getattr(item, "__module__", name) != name)
    ]
    return ["module", name, source, rest]


def _is_library(name):
    root = name.partition(".")[0] if isinstance(name, str) else ""
    if root == "__main__":
        return False
    if root in sys.stdlib_module_names or root in ("builtins", __name__.partition(".")[0]):
        return True
    file = getattr(sys.modules.get(root), "__file__", None)
    return file is not None and str(Path(file).resolve()).startswith(_LIBRARIES)


def _version(name):
    return str(getattr(sys.modules.get(name.partition(".")[0]), "__version__", ""))
