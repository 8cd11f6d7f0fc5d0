// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// An order as a class of C++ by pybind11; forget() makes one that nobody deletes,
// echo() takes a reference that it does not give back.
#include <pybind11/pybind11.h>

#include <numeric>
#include <vector>

struct Order {
	int id;
	std::vector<double> prices;

	explicit Order(int n) : id(n), prices(200, n)
	{
	}

	double total() const
	{
		return std::accumulate(prices.begin(), prices.end(), 0.0);
	}
};

static Order *volatile last;

PYBIND11_MODULE(shop_pybind11, module)
{
	pybind11::class_<Order>(module, "Order").def(pybind11::init<int>()).def("total", &Order::total);
	module.def("forget", [](int n) { last = new Order(n); });
	module.def("echo", [](pybind11::object order) { return order.inc_ref(), order; });
}
