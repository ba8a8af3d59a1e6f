"""The one trainer: its loop, its data, its random numbers and its checkpoints."""
