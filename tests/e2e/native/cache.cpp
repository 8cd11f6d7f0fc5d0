// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A cache in a static that only grows; mangled names, operator new, a template.
#include <Python.h>

#include <vector>

namespace shop
{

template <typename T> class Cache
{
	std::vector<std::vector<T>> rows;

      public:
	__attribute__((noinline)) void add(size_t n)
	{
		rows.emplace_back(n);
	}
};

static Cache<double> orders;

static PyObject *remember(PyObject *, PyObject *)
{
	orders.add(100);
	Py_RETURN_NONE;
}

static double *volatile last;

static PyObject *take(PyObject *, PyObject *)
{
	last = new double[100];
	Py_RETURN_NONE;
}

__attribute__((noinline)) static int fall(int n)
{
	if (!n)
		throw n;
	return fall(n - 1) + 1; // not a tail call
}

/* Throws through many frames, many times. */
static PyObject *throw_far(PyObject *, PyObject *)
{
	for (int i = 0; i < 200; i++) {
		try {
			fall(30);
		} catch (int) {
		}
	}
	Py_RETURN_NONE;
}

} // namespace shop

static PyMethodDef methods[] = {
	{"remember", shop::remember, METH_NOARGS, nullptr},
	{"take", shop::take, METH_NOARGS, nullptr},
	{"throw_far", shop::throw_far, METH_NOARGS, nullptr},
	{nullptr, nullptr, 0, nullptr},
};

static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT, "leaky_cpp", nullptr, -1, methods, nullptr, nullptr, nullptr, nullptr};

PyMODINIT_FUNC PyInit_leaky_cpp(void)
{
	return PyModule_Create(&definition);
}
