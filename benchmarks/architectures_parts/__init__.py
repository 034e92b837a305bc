"""The parts of `benchmarks/architectures.py`: shapes, training and measuring one, the fitted curve, the report."""
