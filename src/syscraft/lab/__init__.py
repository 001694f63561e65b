"""Plans, runs and judges tests in guests, and caches their verdicts."""
