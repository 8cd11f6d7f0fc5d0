/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Starts Python as a bundle of one file does (PyInstaller): linked with no libpython, it opens the
 * one that was unpacked to a temporary folder: bundle LIBRARY SCRIPT. */
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	void *python = argc > 2 ? dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL) : NULL;
	int (*run)(int argc, char **argv) = python ? dlsym(python, "Py_BytesMain") : NULL;

	if (!run) {
		fprintf(stderr, "bundle: %s\n", argc > 2 ? dlerror() : "needs LIBRARY and SCRIPT");
		return 1;
	}
	return run(argc - 1, argv + 1);
}
