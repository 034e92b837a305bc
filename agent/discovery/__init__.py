"""The discovery loop: generate, validate, rank, refine, until a budget ends; then confirm, store, report."""
