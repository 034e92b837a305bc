"""Groups of routes, one file each; `agent.interface.api.application` puts them together."""
