/* lib/string.c */
