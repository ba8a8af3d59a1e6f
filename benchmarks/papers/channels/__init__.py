"""The channel paper's figures: what ensembles of VAEs have in common."""
