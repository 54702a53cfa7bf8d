"""Histories as they were stored: every released version of every event, and the rows each view makes of them.

``stories.jsonl`` holds the case stories as recorded, ``forms.jsonl`` a case for each version of each event that the
frozen forms know. One event a line: stream, topic, instant of recording and the clear bytes; beside each file the rows
of every view. Lines are never changed: a new event version gets lines at the end, a new version of a view other rows.
"""
