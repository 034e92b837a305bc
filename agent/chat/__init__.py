"""A turn of a conversation: the language front end, what it is told, what it asks for, and what keeps it honest."""
