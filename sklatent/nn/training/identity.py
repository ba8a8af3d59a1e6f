"""What a run is known by: a description of parameters, code among them, alike in every process."""

import dis
import functools
import hashlib
import inspect
import json
import sys
import sysconfig
import types
from pathlib import Path, PurePath

import numpy as np
import torch
from torch import nn

_PLAIN = (str, bytes, int, float, complex, bool, type(None), torch.dtype, torch.device)
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

    A function is its instructions, its defaults and what it reads: captured variables and
    globals. An object is its class and its attributes.

    Raises
    ------
    UnidentifiableError
        If the content can't be known surely.
    """
    seen = {} if seen is None else seen
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

    if isinstance(value, np.ndarray):
        return _array(value, inner)
    if isinstance(value, torch.Tensor):
        return _array(value.detach().cpu().float().numpy(), inner)
    if hasattr(value, "content_hash"):
        return [type(value).__qualname__, value.content_hash]
    if isinstance(value, (list, tuple)):
        return [inner(item) for item in value]
    if isinstance(value, dict):
        return [[inner(key), inner(item)] for key, item in value.items()]
    if isinstance(value, (set, frozenset)):
        return sorted(map(json.dumps, map(inner, value)))
    if isinstance(value, types.ModuleType):
        return _module(value)
    if isinstance(value, functools.partial):
        return ["partial", inner(value.func), inner(value.args), inner(value.keywords)]
    if isinstance(value, types.MethodType):
        return ["method", inner(value.__func__), inner(value.__self__)]
    if isinstance(value, (type, types.FunctionType)) and _is_library(value.__module__):
        return [value.__module__, value.__qualname__, _version(value.__module__)]
    if isinstance(value, type):
        return _class(value, inner)
    if isinstance(value, types.FunctionType):
        return _function(value, inner)
    if isinstance(value, types.BuiltinFunctionType) and _has_no_state(value):
        return [value.__module__, value.__qualname__]
    return _object(value, inner)


def _array(value, inner):
    if value.dtype.hasobject:
        return [value.shape, inner(value.tolist())]
    return run_digest("array", [np.atleast_1d(value)])


def _has_no_state(builtin):
    owner = getattr(builtin, "__self__", None)
    return owner is None or isinstance(owner, (types.ModuleType, type))


def _object(value, inner):
    kind = inner(type(value))
    if isinstance(value, np.random.RandomState):
        return [kind, inner(value.get_state(legacy=False))]
    if isinstance(value, nn.Module):
        settings = {
            name: item
            for name, item in vars(value).items()
            if name not in ("_parameters", "_buffers", "_modules") and not name.endswith("_hooks")
        }
        settings = {n: v for n, v in settings.items() if not n.startswith(("_forward", "_back"))}
        children = [[name, inner(child)] for name, child in value.named_children()]
        tensors = [*value.named_parameters(recurse=False), *value.named_buffers(recurse=False)]
        return [kind, inner(settings), children, [[n, inner(t)] for n, t in tensors]]
    if hasattr(value, "get_params"):
        parameters = sorted(value.get_params(deep=False).items())
        described = [kind, [[name, inner(item)] for name, item in parameters]]
        if hasattr(value, "net_"):
            described.append(inner(value.net_.module_))
        return described
    state = getattr(value, "__dict__", None)
    slots = [n for cls in type(value).__mro__ for n in getattr(cls, "__slots__", ())]
    if state is None and not slots:
        raise UnidentifiableError(f"{value!r} of type {type(value).__name__}")
    state = dict(state or {}) | {n: getattr(value, n) for n in slots if hasattr(value, n)}
    return [kind, inner(state)]


def _class(cls, inner):
    """A class by what it and those that it inherits from define."""
    skipped = ("__dict__", "__weakref__", "__doc__", "__module__", "__firstlineno__", "_abc_impl")
    skipped += ("__slotnames__", "__annotations__", "__static_attributes__", "__abstractmethods__")
    bodies = []
    for name, item in vars(cls).items():
        if name in skipped:
            continue
        if isinstance(item, (staticmethod, classmethod)):
            item = item.__func__
        if isinstance(item, property):
            item = (item.fget, item.fset, item.fdel)
        if not isinstance(item, (types.MemberDescriptorType, types.GetSetDescriptorType)):
            bodies.append([name, inner(item)])
    return [cls.__module__, cls.__qualname__, [inner(base) for base in cls.__bases__], bodies]


def _function(function, inner):
    code = function.__code__
    captured = []
    for cell in function.__closure__ or ():
        try:
            captured.append(inner(cell.cell_contents))
        except ValueError:  # not filled yet
            captured.append("empty")
    names = sorted(set(_global_names(code)) & set(function.__globals__))
    return [
        function.__qualname__,
        _code(code, inner),
        inner(function.__defaults__),
        inner(function.__kwdefaults__),
        captured,
        [[name, inner(function.__globals__[name])] for name in names],
    ]


def _code(code, inner):
    """Instructions and constants: not the file and the line, which say where they stood."""
    constants = [
        _code(c, inner) if isinstance(c, types.CodeType) else repr(c) for c in code.co_consts
    ]
    names = [code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars]
    return [code.co_code.hex(), constants, names, code.co_flags, code.co_argcount]


def _global_names(code):
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _global_names(constant)


def _module(module):
    """An installed library is its version, a module of the user's own is its source."""
    name = module.__name__
    if _is_library(name):
        return ["module", name, _version(name)]
    file = inspect.getsourcefile(module) if getattr(module, "__file__", None) else None
    if file is None:
        raise UnidentifiableError(f"the module {name}, which has no source file")
    return ["module", name, hashlib.blake2b(Path(file).read_bytes(), digest_size=16).hexdigest()]


def _is_library(name):
    root = (name or "").partition(".")[0]
    if root == "__main__":
        return False
    if root in sys.stdlib_module_names or root in ("builtins", __name__.partition(".")[0]):
        return True
    file = getattr(sys.modules.get(root), "__file__", None)
    return file is not None and str(Path(file).resolve()).startswith(_LIBRARIES)


def _version(name):
    return str(getattr(sys.modules.get(name.partition(".")[0]), "__version__", ""))
