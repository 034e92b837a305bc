"""The model card: figures.json beside the weights, and the README.md that is written from it and from nothing else."""
