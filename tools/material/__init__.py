"""Metal-organic frameworks as their building blocks. No structure: nothing here knows where an atom is."""
