"""Whether every command can be killed at any moment, and is right when it is started again."""
