/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A program that holds a Python 3.8 and has a type with a list of free objects, as Cython's
 * freelist makes one: it contains the births of these, and a copy of the word of libpython's that
 * is tested there. */
#include <Python.h>

#define FREE 8

typedef struct {
	PyObject_HEAD PyObject *next;
} Node;

static Node *list[FREE];
static int n;

static PyObject *make(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
	Node *o = n ? list[--n] : PyObject_Malloc(sizeof(Node));

	(void)args, (void)keywords;
	if (!o)
		return PyErr_NoMemory();
	o->next = NULL;
	return PyObject_INIT((PyObject *)o, type);
}

static void drop(PyObject *o)
{
	if (n < FREE)
		list[n++] = (Node *)o;
	else
		PyObject_Free(o);
}

static PyTypeObject type = {
	PyVarObject_HEAD_INIT(NULL, 0).tp_name = "nodes.Node",
	.tp_basicsize = sizeof(Node),
	.tp_flags = Py_TPFLAGS_DEFAULT,
	.tp_new = make,
	.tp_dealloc = drop,
};

static PyObject *begin(void)
{
	static struct PyModuleDef def = {PyModuleDef_HEAD_INIT, .m_name = "nodes", .m_size = -1};
	PyObject *m = PyModule_Create(&def);

	if (m && !PyType_Ready(&type)) {
		Py_INCREF(&type);
		PyModule_AddObject(m, "Node", (PyObject *)&type);
	}
	return m;
}

int main(int argc, char **argv)
{
	PyImport_AppendInittab("nodes", begin);
	return Py_BytesMain(argc, argv);
}
