const duckdb = require("@duckdb/node-api");

async function main() {
  const instance = await duckdb.DuckDBInstance.create("test.db");
  const connection = await instance.connect();
  await connection.run("create table t as select range i, md5(range::varchar) m from range(100000)");
  for (const query of [
    "select count(*) n, min(m), max(m), sum(i) s from t",
    "select i % 7 k, count(*) n from t group by k order by k",
    "select i from t order by m limit 3",
  ])
    console.log((await connection.runAndReadAll(query)).getRowsJson());
}
main();
