-- Insertions, an index, joins, aggregates, sorting, text and deletions; the table `work` says how many rows.
create table item(id integer primary key, name text, price real, kind integer);
create table sale(item integer, day integer, pieces integer);
begin;
with recursive n(i) as (select 1 union all select i + 1 from n, work where i < work.rows)
insert into item
select i, printf('item %d of %x', i, i * 2654435761 & 0xffffff), (i * 7919 % 10007) / 100.0, i % 17 from n;
with recursive n(i) as (select 1 union all select i + 1 from n, work where i < 3 * work.rows)
insert into sale
select 1 + i * 48271 % (select rows from work), i % 365, 1 + i % 9 from n;
commit;
create index sale_item on sale(item);
create index item_name on item(name);
select count(*), sum(pieces), max(day) from sale;
select kind, count(*), round(sum(price * pieces), 2) from item join sale on sale.item = item.id group by kind order by kind;
select name, price from item where name like '%5%a%' order by price desc, name limit 5;
select day, sum(pieces) as p from sale group by day having p > 1 order by p desc, day limit 5;
update item set price = price * 1.1, name = upper(name) where kind in (3, 5, 7);
delete from sale where item in (select id from item where kind = 11);
select count(*), round(avg(price), 4), max(length(name)) from item;
select count(distinct item), total(pieces) from sale;
select substr(group_concat(id), 1, 60) from (select id from item order by price, id desc);
with recursive collatz(n, steps) as (select 837799, 0 union all select iif(n % 2, 3 * n + 1, n / 2), steps + 1 from collatz where n > 1)
select max(steps), max(n) from collatz;
