"""The tables of the transformation-aware VAE: what its latent space is good for."""
