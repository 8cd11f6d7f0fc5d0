/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An extension that keeps an object in a static variable. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyObject *kept;

static PyObject *keep(PyObject *self, PyObject *o)
{
	(void)self;
	Py_INCREF(o);
	Py_XSETREF(kept, o);
	Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"keep", keep, METH_O, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef def = {PyModuleDef_HEAD_INIT, .m_name = "retain", .m_methods = methods};

PyMODINIT_FUNC PyInit_retain(void)
{
	return PyModule_Create(&def);
}
