"""What is taken where nobody says anything else, in the library and on the command line."""

DEFAULT_LINUX = "deb:6.12"
DEFAULT_GUEST = "uml"
DEFAULT_KERNEL = "plain"
