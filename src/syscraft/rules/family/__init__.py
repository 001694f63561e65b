"""Families of rules, one file each."""
