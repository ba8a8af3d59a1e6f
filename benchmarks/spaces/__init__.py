"""Latent spaces held against one another: seeds, starts, labs, and alignment."""
