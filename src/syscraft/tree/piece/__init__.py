"""What a call adds to a kernel tree: a module for each piece, found by tree/pieces.py."""
