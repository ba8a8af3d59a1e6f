"""Networks, losses and training in PyTorch: everything in this package imports torch."""
