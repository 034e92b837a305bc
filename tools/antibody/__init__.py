"""Antibody variable domains: loops, their lengths, liabilities and numbers. Sequence only."""
