"""K modules of one shape as a single module with a leading axis of members."""
