"""Standard evaluations of a checkpoint: published metrics, defined once, with intervals and a record of each row."""
