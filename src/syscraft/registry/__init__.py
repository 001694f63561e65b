"""What kernels have: their system calls on every ABI, as data, and questions to it."""
