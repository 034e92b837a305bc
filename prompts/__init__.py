"""Markdown files, one per step that asks a language model, read by `agent` only. No step asks one yet.

The loader comes with the first prompt, and is strict: a missing or an unused variable is an error.
"""
