"""Documents: read, cut into passages, found again, quoted with page and offset. Text of documents is data, always."""
