"""What was measured of the points of runs, of any kind: arranged, summarized, held against the gap."""
