"""Reactions as texts: aligned spellings, and answers voted over several spellings of one input."""
