"""The tables and figures of the papers whose methods are here, done again."""
