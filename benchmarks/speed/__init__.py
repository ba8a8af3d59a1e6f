"""Speed and memory beside peers; each ratio is of times taken in turn."""
