-- SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
-- A function and a trigger in Python; @PLANTED@ and @APPS@ are filled in. PL/Python counts lines from its own `def` on: the number
-- behind a LEAK is that line.
CREATE EXTENSION plpython3u;
CREATE TABLE orders (id int, note text);
CREATE FUNCTION price(n int) RETURNS text AS $$
if "truth" not in GD:
    import sys
    sys.path.insert(0, "@APPS@")
    import truth
    GD["truth"], GD["cache"] = truth, []
truth = GD["truth"]
if "@PLANTED@" == "function":
    GD["cache"].append({"n": 0})  # LEAK function 10
    truth.leaked()
return truth.work(n)
$$ LANGUAGE plpython3u;
CREATE FUNCTION audit() RETURNS trigger AS $$
if "@PLANTED@" == "trigger":
    GD.setdefault("audit", {})[TD["new"]["id"]] = TD["new"]  # LEAK trigger 4
    GD["truth"].leaked()
return "OK"
$$ LANGUAGE plpython3u;
CREATE TRIGGER audit BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION audit();
