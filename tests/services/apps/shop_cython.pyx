# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""An order as an extension type of Cython."""


cdef class Order:
    cdef double prices[20]
    cdef list notes

    def __init__(self, int n):
        cdef int i
        for i in range(20):
            self.prices[i] = n * i
        self.notes = [n, "paid"]

    def total(self):
        cdef int i
        cdef double total = 0
        for i in range(20):
            total += self.prices[i]
        return total
