.bail on
pragma journal_mode = wal;
create table items (id integer primary key, name text, amount real, parent integer);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 100000)
  insert into items select i, 'item ' || ((i * 7919) % 100003), (i % 1000) / 7.0, i / 10 from n;
create index by_name on items (name);
select count(*), round(sum(amount), 3), max(name) from items;
update items set amount = amount * 2 where id % 3 = 0;
delete from items where id % 5 = 0;
select parent % 10, count(*), round(avg(amount), 6) from items group by 1 order by 1;
select a.name, b.name from items a join items b on b.id = a.parent where a.id between 99990 and 99999;
vacuum;
pragma integrity_check;
