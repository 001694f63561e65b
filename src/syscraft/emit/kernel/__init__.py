"""What a call adds to a kernel tree, as text; where it goes is the business of tree/piece."""
