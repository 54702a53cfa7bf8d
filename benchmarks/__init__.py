"""Measurements as ratios: ours and a named peer in the same run, interleaved rounds, medians."""
