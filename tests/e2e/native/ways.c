/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One function takes all the memory of many others, most of which give it back: who is named? */
#include <Python.h>

#include <stdlib.h>

#define APART  __attribute__((noipa))
#define STOP() __asm__ volatile("") /* no tail call */

void *volatile last_block;

static APART void *take_checked(size_t n)
{
	void *block = malloc(n);

	if (!block)
		abort();
	return block;
}

static APART void *scratch(size_t n)
{
	void *block = take_checked(n);

	STOP();
	return block;
}

static APART void *keep(size_t n)
{
	void *block = take_checked(n);

	STOP();
	return block;
}

/* (size, how many are given back for the one that is not) */
static PyObject *mostly_freed(PyObject *self, PyObject *args)
{
	Py_ssize_t n, temporary;

	if (!PyArg_ParseTuple(args, "nn", &n, &temporary))
		return NULL;
	for (Py_ssize_t i = 0; i < temporary; i++)
		free(scratch((size_t)n));
	last_block = keep((size_t)n);
	Py_RETURN_NONE;
}

static APART PyObject *new_list(void)
{
	PyObject *list = PyList_New(3);

	STOP();
	return list;
}

static APART void use_list(void)
{
	PyObject *list = new_list();

	Py_XDECREF(list);
	STOP();
}

static APART void lose_list(void)
{
	new_list();
	STOP();
}

/* As above, with a reference. */
static PyObject *mostly_released(PyObject *self, PyObject *temporary)
{
	for (long i = PyLong_AsLong(temporary); i > 0; i--)
		use_list();
	lose_list();
	Py_RETURN_NONE;
}

static APART void *small(void)
{
	void *block = take_checked(56);

	STOP();
	return block;
}

static APART void *big(void)
{
	void *block = take_checked(4000);

	STOP();
	return block;
}

/* Both stay: the one that is most of it is to be named. */
static PyObject *small_and_big(PyObject *self, PyObject *ignored)
{
	for (int i = 0; i < 5; i++)
		last_block = small();
	last_block = big();
	Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
	{"mostly_freed", mostly_freed, METH_VARARGS, NULL},
	{"mostly_released", mostly_released, METH_O, NULL},
	{"small_and_big", small_and_big, METH_NOARGS, NULL},
	{NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT, "ways", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_ways(void)
{
	return PyModule_Create(&definition);
}
