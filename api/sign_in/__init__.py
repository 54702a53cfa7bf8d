"""Who is asking: bearer tokens for the API, sessions for the pages, and a way in for demonstrations."""
