"""What T-VAE's tables add to the paper's: its own networks, superpixels, and midpoints measured."""

import numpy as np
import pytest
import torch

from benchmarks.papers.transform import midpoints, no_inverse, settings
from benchmarks.papers.transform.models import build
from benchmarks.papers.transform.superpixels import Superpixels

NOISE = 0.01 * np.random.default_rng(0).normal(size=3)


def said(remarks):
    return "\n".join(sentence for sentence in remarks if sentence is not None)


class TestSuperpixels:
    X = torch.from_numpy(np.random.default_rng(0).uniform(size=(6, 784)).astype(np.float32))

    def view(self, X, seed=0, **parameters):
        generator = torch.Generator().manual_seed(seed)
        forward, backward = Superpixels(**parameters).sample(X, generator, image_shape=(1, 28, 28))
        assert forward is backward
        return forward

    def test_an_image_becomes_as_few_values_as_it_has_superpixels(self):
        assert all(len(view.unique()) <= 16 for view in self.view(self.X, n_across=4))

    def test_means_leave_an_images_mean(self):
        view = self.view(self.X)
        assert torch.allclose(view.mean(1), self.X.mean(1), atol=1e-4)
        assert torch.allclose(self.view(torch.full_like(self.X, 0.25)), torch.tensor(0.25))

    def test_chance_is_the_generators(self):
        assert torch.equal(self.view(self.X), self.view(self.X))
        assert not torch.equal(self.view(self.X), self.view(self.X, seed=1))
        assert self.view(self.X.double()).dtype == torch.float64

    def test_a_centre_may_be_drawn_on_the_border(self, monkeypatch):
        monkeypatch.setattr(torch, "rand", lambda *shape, **_: torch.full(shape, 1 - 2.0**-24))
        assert self.view(self.X).isfinite().all()

    def test_small_differences_that_count_follow_the_strokes(self):
        stripe = torch.zeros(1, 28, 28)
        stripe[:, :, 13:15] = 1.0
        errors = [
            (self.view(stripe.flatten(1), compactness=c) - stripe.flatten(1)).square().mean()
            for c in (0.2, 5.0)
        ]
        assert errors[0] < 0.1 * errors[1]

    def test_nearest(self):
        pixels, centres = torch.rand(3, 3, 50), torch.rand(3, 7, 3)
        expected = torch.cdist(centres, pixels.mT).argmin(1)
        assert torch.equal(Superpixels._nearest(pixels, centres), expected)

    def test_models_are_trained_on_them(self):
        scale = settings.SCALES["quick"]
        model = build("T-VAE" + settings.SUPERPIXELS, 10, 0, scale)
        assert model.n_views == 2
        assert isinstance(model.transformation, Superpixels)
        assert isinstance(build("VAE+, superpixels", 10, 0, scale).augmentation, Superpixels)
        assert build("VAE, superpixels", 10, 0, scale).augmentation is None

    def test_what_the_numbers_say(self):
        def told(ahead, share):
            def result(model, e):
                points = 50 + ahead * model.startswith("T-VAE") + e * (-1 if "T-" in model else 1)
                return {"share": share + e, **dict.fromkeys(no_inverse.WHERE, points)}

            models = [m + ending for ending in no_inverse.GROUPS for m in no_inverse.MODELS]
            by_model = {model: [result(model, e) for e in NOISE] for model in models}
            return said(no_inverse.remarks_on_superpixels(by_model))

        better = told(3.0, 0.5)
        assert "T-VAE is ahead of VAE on clean digits: 3.0" in better
        assert "T-VAE is ahead of VAE+ on superpixels: 3.0" in better
        assert "takes a digit towards its own view: 0.50" in better
        worse = told(-3.0, 0.0)
        assert "T-VAE is behind VAE+ on superpixels, neighbours among clean digits: -3.0" in worse
        assert "not shown to take a digit towards its own view" in worse
        assert "T-VAE is not told from VAE on clean digits: -0.0" in told(0.0, 0.5)


class TestMidpoints:
    def by_network(self, less):
        def result(model, e):
            return {
                pairs: {
                    "midpoint": 40 - less * (model == "T-VAE") + e * (-1 if "T" in model else 1),
                    "decoded": 20.0,
                    "pixels": 39.0,
                }
                for pairs in midpoints.PAIRS
            }

        models = [model + ending for ending in midpoints.GROUPS for model in midpoints.MODELS]
        return {"perceptrons": {m: [result(m, e) for e in NOISE] for m in models}}

    def test_what_the_numbers_say(self):
        less = said(midpoints.remarks_on_midpoints(self.by_network(5.0)))
        where = "Midpoints, perceptrons, affine maps: T-VAE"
        assert f"{where} has less error than VAE, by 5.0" in less
        assert f"{where} has less added error than VAE+, by 5.0" in less
        assert f"{where} beats the mean image by 4.0" in less
        more = said(midpoints.remarks_on_midpoints(self.by_network(-5.0)))
        assert f"{where} has more error than VAE, by -5.0" in more
        assert f"{where} is behind the mean image by -6.0" in more
        same = said(midpoints.remarks_on_midpoints(self.by_network(0.0)))
        assert f"{where} and VAE are not told apart in error: 0.0" in same
        # The other way of training has no such lead to tell of.
        assert f"{where}, our defaults and VAE, our defaults are not told apart" in less

    def test_a_rival_may_be_missing(self):
        by_network = self.by_network(5.0)
        del by_network["perceptrons"]["VAE, our defaults"]
        told = said(midpoints.remarks_on_midpoints(by_network))
        assert "affine maps: T-VAE has less error than VAE+" in told
        assert "our defaults" not in told

    def test_parts_of_before_they_were_measured_lack_them(self):
        by_key = {("MNIST", m, 10): [{"midpoints": 1}] * 2 for m in midpoints.MODELS}
        assert midpoints.measured(by_key) == {m: [1, 1] for m in midpoints.MODELS}
        assert midpoints.measured(by_key, 100) == {}
        assert midpoints.measured(by_key | {("MNIST", "VAE", 10): [{}]}) == {}

    def test_half_way_lies_the_row(self, monkeypatch):
        class Plain:
            def transform(self, X):
                return X

            inverse_transform = transform

        digits = type("Digits", (), {"data_test": np.eye(784, dtype=np.float32)[300:400]})
        monkeypatch.setattr(midpoints, "images", lambda _: digits)
        found = midpoints.midpoint_errors(Plain(), "MNIST", settings.SCALES["quick"])
        assert set(found) == set(midpoints.PAIRS)
        for errors in found.values():
            assert errors["decoded"] == 0
            assert errors["midpoint"] == pytest.approx(errors["pixels"])


def test_networks_are_trained_seed_by_seed():
    scale = settings.NETWORKS
    assert scale.network == {"architecture": "conv_tvae"}
    assert scale.between == (1000, 1000)
    cells = scale.cells(scale.models)
    assert {cell[2] for cell in cells} == {10, 100}
    assert len(cells) == len(set(cells)) == 2 * 3 * 2 * 3
    assert {cell[-1] for cell in cells[:6]} == {0}
