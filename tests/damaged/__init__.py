"""Whether every file that is kept can be damaged in every way, and the next run is right."""
