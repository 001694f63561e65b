/* kernel/sys.c */
