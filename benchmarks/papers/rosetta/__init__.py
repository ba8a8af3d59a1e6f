"""The Rosetta VAE's tables, on eight Gaussians and on MNIST."""
