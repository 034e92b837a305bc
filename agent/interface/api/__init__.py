"""The HTTP interface: `build_api` in `application`, one file for each group of routes. It starts runs and reads their
logs; it decides nothing that a command or the page would have to decide again."""
