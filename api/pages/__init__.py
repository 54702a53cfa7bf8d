"""The Danish pages: server-made HTML over the same reader as the API, without scripts."""
