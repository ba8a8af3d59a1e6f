"""The VAE ensemble's tables and figures on sprites."""
