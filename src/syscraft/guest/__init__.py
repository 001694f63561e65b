"""Where programs run: User Mode Linux and QEMU, behind one interface."""
