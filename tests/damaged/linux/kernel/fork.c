/* kernel/fork.c */
