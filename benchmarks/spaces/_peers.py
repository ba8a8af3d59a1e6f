"""Others' models, where they are installed: trained on some rows, latents of rows held out.

Each takes ``(train, test, seed, n_components, epochs)`` and gives an array of shape
(n_test, n_components).
"""

import contextlib
import io
import logging
import tempfile
import warnings
from importlib.util import find_spec

import numpy as np


def installed(package):
    """Whether a package is there."""
    return find_spec(package) is not None


def pythae_latents(train, test, seed, n_components, epochs):
    """Latents of pythae's VAE with its own networks for flat rows (one layer of 512)."""
    import torch
    from pythae.models import VAE, VAEConfig
    from pythae.pipelines import TrainingPipeline
    from pythae.trainers import BaseTrainerConfig

    config = VAEConfig(
        input_dim=(train.shape[1],), latent_dim=n_components, reconstruction_loss="mse"
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        torch.random.fork_rng(),
    ):
        torch.manual_seed(seed)
        training = BaseTrainerConfig(
            output_dir=folder,
            num_epochs=epochs,
            learning_rate=1e-3,
            per_device_train_batch_size=128,
            seed=seed,
            no_cuda=True,
        )
        model = VAE(config)
        TrainingPipeline(model=model, training_config=training)(train.astype(np.float32))
        with torch.no_grad():
            found = model.encoder(torch.as_tensor(test, dtype=torch.float32)).embedding
    return found.numpy().astype(float)


def umap_latents(train, test, seed, n_components, epochs):
    """Coordinates of UMAP with its own parameters; it has no such epochs."""
    import umap

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return umap.UMAP(n_components, random_state=seed).fit(train).transform(test)


def scvi_model(X, batch, seed, n_components, epochs):
    """SCVI with one layer of 128 and the negative binomial; None is its own number of epochs."""
    import anndata
    import scvi

    for name in ("scvi", "lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    scvi.settings.seed = seed
    scvi.settings.verbosity = logging.ERROR
    cells = anndata.AnnData(X.astype(np.float32))
    if batch is not None:
        cells.obs["batch"] = np.where(batch == 1, "second", "first")
    scvi.model.SCVI.setup_anndata(cells, batch_key=None if batch is None else "batch")
    model = scvi.model.SCVI(cells, n_latent=n_components, gene_likelihood="nb")
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False}
    model.train(max_epochs=epochs, accelerator="cpu", train_size=1.0, **quiet)
    return model


def scvi_latents(train, test, seed, n_components, epochs):
    """Latents of SCVI under the negative binomial."""
    model = scvi_model(train, None, seed, n_components, epochs)
    cells = type(model.adata_manager.adata)
    return model.get_latent_representation(cells(test.astype(np.float32)))
