"""Training of a module that is no model's: seeded, by the one net."""

from sklatent.nn.training.devices import DTYPES
from sklatent.nn.training.net import LatentNet
from sklatent.nn.training.randomness import RandomStreams, seeded_initialisation, split_seed
from sklatent.nn.training.run import TrainingRun


def train_module(
    build,
    rows,
    objective,
    *,
    seed,
    epochs,
    batch_size,
    learning_rate,
    device,
    precision="float32",
    progress_bar=False,
    **optimizer,
):
    """Build a module under a seed and train it.

    Parameters
    ----------
    build : callable
        Makes the module, drawing its weights from torch's generator.
    rows : Rows
        What batches are taken from.
    objective : callable
        ``(module, batch, step)`` to named terms that sum to the loss.
    seed : int
        Of weights, order and noise.
    epochs, batch_size, learning_rate, device, precision : object
        As of models; the device is resolved.
    progress_bar : bool, default=False
        Whether one is shown.
    **optimizer : dict
        skorch's: ``optimizer``, and its settings as ``optimizer__name``.

    Returns
    -------
    module : nn.Module
        Trained.
    history : list of dict
        Loss and terms of each epoch.
    """
    dtype = DTYPES[precision]
    with seeded_initialisation(split_seed(seed)["weights"]):
        module = build().to(dtype)
    net = LatentNet(
        module,
        streams=RandomStreams([seed], dtype, device),
        precision=precision,
        max_epochs=epochs,
        batch_size=batch_size,
        lr=learning_rate,
        device=device,
        verbose=0,
        **optimizer,
    ).initialize()
    run = TrainingRun(
        rows=rows, valid_rows=None, objective=objective, hyper={}, progress_bar=progress_bar
    )
    net.partial_fit(run, epochs=epochs)
    return net.module_, net.history
