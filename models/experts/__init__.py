"""Which experts of a sparse checkpoint serve which kind of text: counted, figured, drawn."""
