#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
[ "$SCHEME" = https ] && mode="sslmode=verify-full sslrootcert=$CA" || mode=sslmode=disable
psql -X "host=localhost port=$PG_PORT dbname=postgres user=test gssencmode=disable $mode" <<-'SQL'
	select md5(gen_random_uuid()::text) as id;
	create temp table t as select generate_series(1, 1000) as n;
	select sum(n), md5(random()::text) from t;
	select * from missing;
	\copy (select n from t limit 3) to stdout
SQL
