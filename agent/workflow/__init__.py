"""Workflows: stages of actions in a file, each result the next one's input; sweeps over values."""
