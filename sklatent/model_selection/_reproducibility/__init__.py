"""The reproducibility report: its measures, its verdict, and its page."""
