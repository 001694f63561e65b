/* lib/sort.c */
