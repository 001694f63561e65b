"""Raw calls, clone and spawn for Python programs, on a small C core."""
