"""Proteins: pockets, sequences and what is checked of them."""
