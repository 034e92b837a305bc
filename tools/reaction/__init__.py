"""Reactions: parsing, checks of one step, the search for routes, drawings. Graphs only: no conditions, no yields."""
