"""Names that are loaded when they are first used."""

import importlib
import sys

from sklatent._utils.lazy import attach


def test_attach_imports_once(monkeypatch):
    calls = []

    def import_module(name):
        calls.append(name)
        return sys.modules["decimal"]

    package = type(sys)("pretend")
    monkeypatch.setitem(sys.modules, "pretend", package)
    package.__getattr__, package.__dir__, package.__all__ = attach(
        "pretend", {"_numbers": ["Decimal"]}, subpackages=["extra"]
    )
    import decimal

    monkeypatch.setattr(importlib, "import_module", import_module)
    assert package.__all__ == ["Decimal", "extra"]
    assert package.Decimal is decimal.Decimal
    assert package.Decimal is decimal.Decimal
    assert package.extra is decimal
    assert calls == ["pretend._numbers", "pretend.extra"]
    assert set(package.__all__) <= set(dir(package))
    assert package.__dir__() == sorted(package.__dir__())
