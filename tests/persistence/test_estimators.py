"""Models of one's own in files: their class is the reader's code, their state the file's."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklatent
from sklatent._utils.files import read_file, write_file
from sklatent.models import LatentModel
from sklatent.persistence._card import card
from sklatent.persistence._earlier import SCHEMA_VERSION

X = np.random.default_rng(0).random((40, 6))


class Sparse(LatentModel):
    """A loss of its own, few parameters, and something learned beside the net."""

    _loss_hyperparameters = ("weight",)
    _learned = {"center_": "float[n_components_]"}

    def __init__(self, n_components=2, *, weight=1.0, random_state=None):
        super().__init__(
            n_components, hidden_layer_sizes=(4,), max_epochs=2, random_state=random_state
        )
        self.weight = weight

    def _objective(self, module, batch, step):
        mean = module.encode(batch.x).mean
        log_likelihood = module.likelihood.log_prob(batch.x, module.decode(mean))
        size = step.hyper["weight"] * batch.mean(mean.abs().sum(-1))
        return {"reconstruction": -batch.mean(log_likelihood), "size": size}

    def _after_training(self):
        self.center_ = np.zeros(self.n_components)


PATH = f"{__name__}.Sparse"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.safetensors"
    sklatent.save(Sparse(weight=0.5, random_state=0).fit(X), path)
    return path


def test_there_and_back(file):
    model = Sparse(weight=0.5, random_state=0).fit(X)
    found = sklatent.load(file, custom_objects={PATH: Sparse})
    assert type(found) is Sparse
    assert found.get_params() == model.get_params()
    np.testing.assert_array_equal(found.transform(X), model.transform(X))
    np.testing.assert_array_equal(found.center_, model.center_)
    assert found.history_ == model.history_
    assert PATH in card(file)


def test_as_a_step(tmp_path):
    path = tmp_path / "model.safetensors"
    model = make_pipeline(StandardScaler(), Sparse(random_state=0)).fit(X)
    sklatent.save(model, path)
    found = sklatent.load(path, custom_objects={PATH: Sparse})
    np.testing.assert_array_equal(found.transform(X), model.transform(X))


def test_the_class_must_be_handed_back(file):
    with pytest.raises(ValueError, match=r"uses code that no file holds: .*Sparse"):
        sklatent.load(file)


@pytest.mark.parametrize("wrong", [StandardScaler, print, Sparse(), dict, None])
def test_only_models_are_made_by_it(file, wrong):
    """A file may not have other code of the reader's called with its parameters."""
    with pytest.raises(ValueError, match="derived from LatentModel"):
        sklatent.load(file, custom_objects={PATH: wrong})


def test_a_name_of_ours_is_ours(tmp_path):
    """Somebody's own class VAE would be taken for sklatent's."""
    own = type("VAE", (LatentModel,), {"__module__": "lab", "__doc__": "Not ours."})
    model = own(2, hidden_layer_sizes=(4,), max_epochs=1, random_state=0).fit(X)
    with pytest.raises(TypeError, match="got VAE"):
        sklatent.save(model, tmp_path / "model.safetensors")


def test_what_has_no_line_is_no_part(file):
    """Neither in the class's nor in the file's."""
    model = Sparse(random_state=0).fit(X)
    model.extra_ = 1
    with pytest.raises(TypeError, match="declare it"):
        sklatent.save(model, file)
    layout = {"kind": "a fitted model", "schema_version": SCHEMA_VERSION}
    arrays, envelope = read_file(file, **layout)
    envelope["metadata"]["model"]["learned"]["transform"] = 1
    write_file(
        file, arrays, envelope["metadata"], kind="a fitted model", schema_version=SCHEMA_VERSION
    )
    with pytest.raises(ValueError, match="transform"):
        sklatent.load(file, custom_objects={PATH: Sparse})
