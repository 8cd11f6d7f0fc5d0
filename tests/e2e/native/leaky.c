/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An extension that forgets what it took; built several times under several names (MODULE). Its
 * functions are kept apart, so that each has a frame. */
#include <Python.h>

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define APART  __attribute__((noinline))
#define STOP() __asm__ volatile("") /* no tail call */

void *volatile last_block;

static APART void take_block(size_t n)
{
	last_block = malloc(n); /* LINE: take_block */
	STOP();
}

APART void build_record(size_t n)
{
	take_block(n);
	STOP();
}

static PyObject *no_free(PyObject *self, PyObject *size)
{
	build_record(PyLong_AsSize_t(size)); /* LINE: no_free */
	Py_RETURN_NONE;
}

APART PyObject *make_list(void)
{
	PyObject *list = PyList_New(3); /* LINE: make_list */

	STOP();
	return list;
}

/* A new reference that nobody gives back. */
static PyObject *no_decref(PyObject *self, PyObject *ignored)
{
	make_list();
	STOP();
	Py_RETURN_NONE;
}

APART PyObject *call_back(PyObject *function)
{
	PyObject *result = PyObject_CallObject(function, NULL);

	STOP();
	return result;
}

static PyObject *call(PyObject *self, PyObject *function)
{
	PyObject *result = call_back(function);

	STOP();
	return result;
}

APART void serve_one(void)
{
	take_block(1500);
	STOP();
}

static void *work(void *ignored)
{
	for (;;) {
		serve_one();
		usleep(500000);
	}
	return ignored;
}

static PyObject *start_worker(PyObject *self, PyObject *ignored)
{
	pthread_t thread;

	pthread_create(&thread, NULL, work, NULL);
	Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
	{"no_free", no_free, METH_O, NULL},
	{"no_decref", no_decref, METH_NOARGS, NULL},
	{"call", call, METH_O, NULL},
	{"start_worker", start_worker, METH_NOARGS, NULL},
	{NULL, NULL, 0, NULL},
};

#define TEXT_(x)    #x
#define TEXT(x)	    TEXT_(x)
#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)

static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT, TEXT(MODULE), NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC JOIN(PyInit_, MODULE)(void)
{
	return PyModule_Create(&definition);
}
