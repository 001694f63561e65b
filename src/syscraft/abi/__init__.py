"""User-space ABIs of Linux, one place each."""
