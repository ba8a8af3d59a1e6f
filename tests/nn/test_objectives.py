"""Losses against torch's distributions and against loops."""

import torch

from sklatent.nn.objectives import elbo_terms, rosetta_penalty


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_elbo_terms_weigh_each_stacked_model_by_its_own_beta():
    log_likelihood, kl = draw(3, 7), draw(3, 7, seed=1)
    beta = torch.tensor([0.0, 1.0, 4.0]).double()
    terms = elbo_terms(log_likelihood, kl, beta)
    for k in range(3):
        single = elbo_terms(log_likelihood[k], kl[k], float(beta[k]))
        torch.testing.assert_close(terms["kl"][k], single["kl"])
        torch.testing.assert_close(terms["reconstruction"][k], -log_likelihood[k].mean())


def test_rosetta_penalty_is_the_sum_over_anchors_divided_by_the_batch_size():
    # Equation 1 of the paper with the weight of its appendix B, written as a loop.
    x, decoded, z, encoded = draw(4, 6), draw(4, 6, seed=1), draw(4, 2, seed=2), draw(4, 2, seed=3)
    total = 0.0
    for r in range(4):
        total += float(((x[r] - decoded[r]) ** 2).sum() + ((z[r] - encoded[r]) ** 2).sum())
    deviance = (x - decoded).square().sum(-1)
    penalty = rosetta_penalty(deviance, z, encoded, rho=2.5, batch_size=16)
    torch.testing.assert_close(penalty, torch.tensor(2.5 * total / 16).double())
