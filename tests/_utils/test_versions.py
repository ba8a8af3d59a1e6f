"""What is installed is told as it is."""

from importlib import metadata

import numpy as np

import sklatent
from sklatent._utils.versions import installed_versions


def test_versions_of_what_is_here():
    found = installed_versions()
    assert found["sklatent"] == sklatent.__version__
    assert found["numpy"] == np.__version__
    assert list(found)[-1] == "system"


def test_what_is_not_installed_is_said(monkeypatch):
    def version(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", version)
    assert installed_versions()["torch"] == "not installed"
