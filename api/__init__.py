"""Everything that faces out: HTTP API, pages, command line, worker."""
