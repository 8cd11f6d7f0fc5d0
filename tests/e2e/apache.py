# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Apache with mod_wsgi, with a configuration of its own in a folder of its own."""
import os

PROGRAM, MODULE = "/usr/sbin/apache2", "/usr/lib/apache2/modules/mod_wsgi.so"
NEEDS = (PROGRAM, MODULE)
BASE = """
ServerRoot {where}
ServerName localhost
PidFile {where}/pid
Listen 127.0.0.1:{port}
ErrorLog {where}/log
User www-data
Group www-data
Mutex file:{where} default
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule wsgi_module {module}
"""


def command(where, port, more, *options):
    """The command that starts it. @more: lines of the configuration. The server gives up being root: @where is for all."""
    os.chmod(where, 0o777)
    conf = os.path.join(where, "apache2.conf")
    with open(conf, "w", encoding="ascii") as f:
        f.write(BASE.format(where=where, port=port, module=MODULE) + more)
    return [PROGRAM, *options, "-f", conf]
