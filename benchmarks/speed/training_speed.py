"""Training throughput beside a hand-written loop, stock skorch and pythae, in one run.

All train the same network on the same data with the same batch size and Adam: the loop is what a
careful person writes in PyTorch (fused Adam, sliced tensors, no reading of the loss). What counts
in the end is the time to a bound: how long our defaults take to be where a random start ends.
"""

import contextlib
import io
import logging
import tempfile
import time
from functools import partial

import numpy as np
import skorch
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from skorch.dataset import Dataset

from benchmarks._common import (
    PAPERS,
    Report,
    data_file,
    median_ratio,
    over_seeds,
    parser,
    remark,
    time_interleaved,
)
from sklatent import VAE
from sklatent.nn.modules import VariationalModule

BATCH = 128
D = 10
CASES = {
    "MLP, 64 inputs, 2x128": {
        "features": 64,
        "network": {"hidden_layer_sizes": (128, 128)},
        "rows": {"quick": 640, "default": 12_800, "full": 12_800},
        "epochs": 8,
    },
    "conv, 28x28": {
        "features": 784,
        "network": {"architecture": "conv", "image_shape": (1, 28, 28)},
        "rows": {"quick": 256, "default": 2_560, "full": 6_400},
        "epochs": 4,
    },
}


UNIT = PAPERS | {"likelihood": "unit_gaussian"}


def loss_of(x, mean, log_var, decoded):
    """Negative evidence lower bound of a batch, constants left out."""
    reconstruction = 0.5 * (x - decoded).square().sum(1)
    kl = 0.5 * (mean.square() + log_var.exp() - 1 - log_var).sum(1)
    return (reconstruction + kl).mean()


def hand_written(X, network, epochs):
    """The loop that one would write for this one model."""
    module = VariationalModule.build(VAE(D, **network), X.shape[1])
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3, fused=True)
    data = torch.from_numpy(X)
    for _ in range(epochs):
        for rows in torch.randperm(len(data)).split(BATCH):
            x = data[rows]
            posterior = module.encode(x)
            mean, log_var = posterior.mean, posterior.log_var
            z = mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)
            kl = 0.5 * (mean.square() + log_var.exp() - 1 - log_var).sum(1)
            loss = (kl - module.likelihood.log_prob(x, module.decode(z))).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def with_our_likelihood(X, network, epochs):
    """The same loop with a variance that is learned."""
    own = {name: value for name, value in network.items() if name != "likelihood"}
    hand_written(X, own, epochs)


def ours(X, network, epochs):
    """What users call."""
    VAE(D, **network, max_epochs=epochs, batch_size=BATCH, random_state=0).fit(X)


def ours_named(X, network, epochs):
    """The same with rows that have names."""
    names = [f"row {number}" for number in range(len(X))]
    model = VAE(D, **network, max_epochs=epochs, batch_size=BATCH, random_state=0)
    model.fit(X, sample_ids=names)


def in_our_network(train, X, network, epochs):
    """With our defaults in place of the papers': smooth, a linear path, its variance learned."""
    ours = {name: value for name, value in network.items() if name not in UNIT}
    train(X, ours | {"early_stopping": False}, epochs)


class SkorchModule(torch.nn.Module):
    """The same network, returning what the loss needs."""

    def __init__(self, network, n_features):
        super().__init__()
        self.net = VariationalModule.build(VAE(D, **network), n_features)

    def forward(self, x):
        """Decode a draw from each row's posterior."""
        mean, log_var = self.net.head(self.net.encoder(x)).chunk(2, 1)
        z = mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)
        return mean, log_var, self.net.decoder(z)


class SkorchLoss(torch.nn.Module):
    """The same loss, as a criterion."""

    def forward(self, output, x):
        """Compare the output with its input."""
        return loss_of(x, *output)


def stock_skorch(X, network, epochs):
    """As skorch's documentation shows autoencoders, its defaults otherwise."""
    skorch.NeuralNet(
        SkorchModule(network, X.shape[1]),
        SkorchLoss,
        optimizer=torch.optim.Adam,
        optimizer__fused=True,
        lr=1e-3,
        max_epochs=epochs,
        batch_size=BATCH,
        iterator_train__shuffle=True,
        train_split=None,
        dataset=Dataset,
        verbose=0,
    ).fit(X, X)


def pythae_trainer(X, network, epochs):
    """Train with pythae's own trainer, its networks replaced by ours."""
    from pythae.models import VAE as PythaeVAE
    from pythae.models import VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.pipelines import TrainingPipeline
    from pythae.trainers import BaseTrainerConfig

    built = VariationalModule.build(VAE(D, **network), X.shape[1])

    class Encoder(BaseEncoder):
        def __init__(self):
            super().__init__()
            self.body, self.head = built.encoder, built.head

        def forward(self, x):
            mean, log_var = self.head(self.body(x)).chunk(2, 1)
            return ModelOutput(embedding=mean, log_covariance=log_var)

    class Decoder(BaseDecoder):
        def __init__(self):
            super().__init__()
            self.body = built.decoder

        def forward(self, z):
            return ModelOutput(reconstruction=self.body(z))

    config = VAEConfig(input_dim=(X.shape[1],), latent_dim=D, reconstruction_loss="mse")
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        training = BaseTrainerConfig(
            output_dir=folder,
            num_epochs=epochs,
            learning_rate=1e-3,
            per_device_train_batch_size=BATCH,
            optimizer_cls="Adam",
            optimizer_params={"fused": True},
            no_cuda=True,
        )
        model = PythaeVAE(config, encoder=Encoder(), decoder=Decoder())
        TrainingPipeline(model=model, training_config=training)(X)


def tables(quick):
    """Name, rows, parameters and how many epochs a random start gets."""
    yield "digits, 8 components", load_digits().data / 16, {"n_components": 8}, 3 if quick else 100
    if not quick:
        with np.load(data_file("mnist.npz"), allow_pickle=False) as file:
            images = file["x_train"][:6000].reshape(6000, -1).astype(np.float32) / 255
        yield (
            "MNIST, 4,800 rows, 10 components, Bernoulli",
            images,
            {"n_components": 10, "likelihood": "bernoulli"},
            20,
        )


def time_to_bound(X, parameters, epochs, seed):
    """Epochs and share of the time that our defaults need to be where a random start ends.

    Bounds are of a fifth of the rows, held out. Each number of epochs is a training of its own,
    whose rate falls at its own end.
    """
    train, test = train_test_split(X, test_size=0.2, random_state=seed)

    def trained(n, **start):
        model = VAE(**parameters, max_epochs=n, random_state=seed, early_stopping=False, **start)
        begin = time.process_time()
        model.fit(train)
        return time.process_time() - begin, model.score(test)

    random = {name: PAPERS[name] for name in ("init", "activation", "annealing")}
    spent, bound = trained(epochs, **random)
    for part in (0.05, 0.1, 0.15, 0.2, 0.25, 0.35, 0.5, 0.75, 1.0):
        n = max(1, round(part * epochs))
        own, reached = trained(n)
        if reached >= bound:
            return bound, n, own / spent
    return bound, np.inf, np.inf


def report_time_to_bound(report, quick):
    """The same over seeds, and what to say of it."""
    rows, found = [], []
    for name, X, parameters, epochs in tables(quick):
        runs = [time_to_bound(X, parameters, epochs, seed) for seed in range(1 if quick else 3)]
        bounds, needed, share = np.transpose(runs)
        rows.append([name, epochs, over_seeds(bounds), *map(over_seeds, (needed, share))])
        share = np.mean(share)
        found.append(
            remark(
                bool(np.isfinite(share)),
                f"{name}: our defaults are where {epochs} epochs from a random start end after "
                f"{np.mean(needed):.3g}, and {share:.2g} of the time.",
            )
        )
    report.text(
        "## Time to a bound\n\nEpochs, and share of the processor's time, until our defaults reach "
        "the bound of held-out rows that the same likelihood and sizes end with from a random "
        "start with ReLU."
    )
    columns = ["data", "epochs at random", "bound there, nats", "our epochs", "share of the time"]
    report.table(columns, rows)
    return found


def remarks(name, seconds):
    """Which of the bars a network's times meet: times as multiples of a loop's by hand."""
    same, plain = "hand-written, our network", "hand-written, our likelihood"
    for what, who, loop, bar in (
        ("our defaults take", "sklatent, defaults", same, 1.05),
        ("named rows take", "sklatent, named rows", same, 1.05),
        ("our defaults take", "sklatent, defaults", plain, 1.12),
    ):
        ratio = median_ratio(seconds[who], seconds[loop]).middle
        network = "the same network" if loop == same else "ReLU without the linear path"
        said = f"{name}: {what} {ratio:.2f} of the time of {network} by hand"
        yield remark(bool(ratio <= bar), f"{said}: the bar of {bar:g} is met.")
        yield remark(bool(ratio > bar), f"{said}: the bar of {bar:g} is **not** met.")
    ratio = median_ratio(seconds[same], seconds[plain]).middle
    yield f"{name}: by hand, the smooth network takes {ratio:.2f} of the time of ReLU."


def main(argv=None):
    """Print and write the ratios."""
    options = parser(__doc__).parse_args(argv)
    size = options.size
    logging.disable(logging.WARNING)
    report = Report("Training speed", options.out, keeps_remarks=False)
    report.text(
        "Rows per second beside a hand-written PyTorch loop (fused Adam) with the same network, "
        "data and batch size (128): median of rounds in turn, with the smallest "
        "and the largest. Greater is better; 1 is the loop's speed. Each call is timed whole, "
        "set-up included. Three rows have our defaults: beside each other they say what the loop "
        "and names cost, beside the loop with our likelihood what the smooth network and its "
        "linear path cost: that loop learns the variance too, which the first has at one."
    )
    rows, found = [], []
    for name, case in CASES.items():
        X = np.random.default_rng(0).random((case["rows"][size], case["features"]), np.float32)
        epochs = case["epochs"]
        arguments = (X, UNIT | case["network"], epochs)
        contenders = {
            "hand-written loop": hand_written,
            "sklatent, papers' settings": ours,
            "hand-written, our likelihood": with_our_likelihood,
            "hand-written, our network": partial(in_our_network, hand_written),
            "sklatent, defaults": partial(in_our_network, ours),
            "sklatent, named rows": partial(in_our_network, ours_named),
            "stock skorch": stock_skorch,
            "pythae": pythae_trainer,
        }
        seconds = time_interleaved(
            {who: (lambda f=f, a=arguments: f(*a)) for who, f in contenders.items()},
            repeats=2 if options.quick else 5,
        )
        steps = epochs * -(-len(X) // BATCH)
        for who, times in seconds.items():
            ratio = median_ratio(seconds["hand-written loop"], times)
            rows.append([name, who, 1000 * float(np.median(times)) / steps, f"{ratio:.2f}"])
        found += remarks(name, seconds)
    report.table(["network", "who", "ms per step", "throughput ratio"], rows)
    found += report_time_to_bound(report, options.quick)
    report.remarks(found)
    report.write()


if __name__ == "__main__":
    main()
