// SPDX-License-Identifier: MIT
/* A program that ends at once; linked statically, so that no loader is measured. */
int main(void)
{
	return 0;
}
