import sqlite3

db = sqlite3.connect("test.db")
db.execute("create table t (id integer primary key, name text, n real)")
with db:
    db.executemany("insert into t (name, n) values (?, ?)", ((f"name {i * 7919 % 10007}", i / 7) for i in range(10000)))
print(db.execute("select count(*), max(name), round(sum(n), 3) from t").fetchone())
print(db.execute("select name, count(*) from t group by substr(name, -1) order by 2 desc, 1 limit 3").fetchall())
