"""Configures and builds kernels: one tree, one change, one flavour, one image."""
