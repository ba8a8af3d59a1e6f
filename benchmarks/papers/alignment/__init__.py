"""The direct alignment paper: Lähner and Moeller's tables."""
