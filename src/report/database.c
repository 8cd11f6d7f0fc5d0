/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "report/database.h"

static const struct {
	uint16_t port;
	const char *name;
} db_port[] = {
	{5432, "PostgreSQL"}, {6432, "PostgreSQL"},   {3306, "MySQL"},	  {33060, "MySQL"},
	{1433, "SQL Server"}, {1521, "Oracle"},	      {6379, "Redis"},	  {27017, "MongoDB"},
	{9042, "Cassandra"},  {26257, "CockroachDB"}, {5439, "Redshift"}, {50000, "Db2"},
	{3050, "Firebird"},
};

/* Paths of Python packages on the stack, and of libraries that made the call. */
static const struct {
	const char *part, *name;
	bool is_file; /* the database is a file, not a socket */
} db_module[] = {
	{"-packages/psycopg", "PostgreSQL", false},
	{"-packages/asyncpg/", "PostgreSQL", false},
	{"-packages/pg8000/", "PostgreSQL", false},
	{"/libpq", "PostgreSQL", false},
	{"-packages/pymysql/", "MySQL", false},
	{"-packages/MySQLdb/", "MySQL", false},
	{"-packages/mysql/connector/", "MySQL", false},
	{"-packages/aiomysql/", "MySQL", false},
	{"/libmysqlclient", "MySQL", false},
	{"/libmariadb", "MySQL", false},
	{"-packages/redis/", "Redis", false},
	{"-packages/pymongo/", "MongoDB", false},
	{"-packages/oracledb/", "Oracle", false},
	{"-packages/cx_Oracle", "Oracle", false},
	{"-packages/cassandra/", "Cassandra", false},
	{"-packages/clickhouse", "ClickHouse", false},
	{"-packages/pymssql", "SQL Server", false},
	{"/libtdsodbc", "SQL Server", false},
	{"/libsqlite3", "SQLite", true},
	{"/_sqlite3.", "SQLite", true},
};

const char *database_of_port(uint16_t port)
{
	for (size_t i = 0; i < ARRAY_SIZE(db_port); i++)
		if (db_port[i].port == port)
			return db_port[i].name;
	return NULL;
}

const char *database_of_path(const char *path, bool is_file)
{
	for (size_t i = 0; i < ARRAY_SIZE(db_module); i++)
		if (db_module[i].is_file == is_file && strstr(path, db_module[i].part))
			return db_module[i].name;
	return NULL;
}
