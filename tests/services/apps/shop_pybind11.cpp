// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// An order as a class of C++ by pybind11; forget() makes one that nobody deletes,
// echo() takes a reference that it does not give back. A basket has objects in a vector.
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

struct Basket {
	std::vector<pybind11::object> things;
};

PYBIND11_MODULE(shop_pybind11, module)
{
	pybind11::class_<Order>(module, "Order")
		.def(pybind11::init<int>())
		.def("total", &Order::total);
	pybind11::class_<Basket>(module, "Basket")
		.def(pybind11::init<>())
		.def("add", [](Basket &to, pybind11::object o) { to.things.push_back(o); });
	module.def("forget", [](int n) { last = new Order(n); });
	module.def("echo", [](pybind11::object order) { return order.inc_ref(), order; });
}
