"""Small pieces that every package uses: arrays, files, random states, lazy imports."""
