/** Servers, with clients beside them. */

import type { Program } from "../program.ts";

export const servers: readonly Program[] = [
  {
    id: "nginx",
    group: "servers",
    what: "nginx: two workers, files, ranges, gzip, a proxy, 40 requests at once, reload, quit",
    script: `mkdir -p d /var/log/nginx /var/lib/nginx && seq 100000 >d/big && echo page >d/index.html && printf 'worker_processes 2;\\nuser www-data;\\npid /work/pid;\\nerror_log /work/err warn;\\nevents {}\\nhttp { access_log /work/log; gzip on; gzip_types text/plain; types { text/html html; } default_type text/plain; server { listen 127.0.0.1:8080; root /work/d; location /p/ { proxy_pass http://127.0.0.1:8081/; } location /r { return 302 /; } } }\\n' >conf; chmod 755 /work
 (cd d && python3 -m http.server 8081 --bind 127.0.0.1 >/dev/null 2>&1 & echo $! >/work/py); nginx -c /work/conf; until curl -sf -o /dev/null http://127.0.0.1:8081/; do sleep 0.2; done; until curl -sf -o /dev/null http://127.0.0.1:8080/p/; do sleep 0.2; done; curl -s http://127.0.0.1:8080/; curl -s --compressed http://127.0.0.1:8080/big | sha256sum; curl -s -r 5-20 http://127.0.0.1:8080/big; curl -s http://127.0.0.1:8080/p/big | sha256sum; curl -s -o /dev/null -w '%{http_code} %{redirect_url}\\n' http://127.0.0.1:8080/r; curl -s -o /dev/null -w '%{http_code}\\n' http://127.0.0.1:8080/none; seq 40 | xargs -P8 -I{} curl -s http://127.0.0.1:8080/?{} | sort | uniq -c; nginx -c /work/conf 2>/dev/null -s reload; sleep 1; curl -s http://127.0.0.1:8080/; nginx -c /work/conf 2>/dev/null -s quit; kill $(cat py); sleep 1; grep -vc "GET /p/ " log; grep -v notice err | sed "s/.*\\#[0-9]*: //"`,
    limit: 200,
    qemu: false,
  },
  {
    id: "redis",
    group: "servers",
    what: "redis: all kinds of values, Lua, pub/sub, a snapshot by fork, append-only file read again, benchmark",
    script: `redis-server --port 6390 --enable-debug-command local --save '' --appendonly yes --daemonize yes --logfile /work/log --dir /work; until redis-cli -p 6390 ping >/dev/null 2>&1; do sleep 0.2; done; R="redis-cli -p 6390"; $R set a 1; $R incrby a 41; $R rpush l a b c; $R lrange l 0 -1; $R hset h k v; $R zadd z 2 b 1 a; $R zrange z 0 -1 withscores; $R eval 'local s = 0 for i = 1, 1000 do s = s + i end return s' 0; seq 2000 | sed 's/.*/SET k& v&/' | $R --pipe | tail -1; $R dbsize; (timeout 10 $R --csv subscribe c | head -2 &) ; sleep 1; $R publish c hi; $R bgsave; sleep 1; $R lastsave >/dev/null; ls dump.rdb; redis-benchmark -p 6390 -n 2000 -q -t set,get | grep -c 'requests per second'; $R debug digest; $R shutdown nosave; sleep 1; redis-server --port 6390 --enable-debug-command local --appendonly yes --daemonize yes --logfile /work/log --dir /work; until $R ping 2>&1 | grep -q PONG; do sleep 0.2; done; $R debug digest; $R shutdown nosave`,
    limit: 200,
    qemu: false,
  },
  {
    id: "mariadb",
    group: "servers",
    what: "MariaDB: InnoDB with 20,000 rows, an index, a rollback (its reserve of addresses, else 8 TiB, is set to 256 MB)",
    script: `mkdir -p /tmp/my /run/mysqld && chown nobody /tmp/my /run/mysqld && O="--no-defaults --user=nobody --datadir=/tmp/my --socket=/tmp/my.sock --skip-networking --innodb-use-native-aio=0 --innodb-buffer-pool-size-max=256M"; (printf 'create database if not exists mysql;\\nuse mysql;\\n'; cat /usr/share/mysql/mysql_system_tables.sql /usr/share/mysql/mysql_system_tables_data.sql) | mariadbd $O --bootstrap --skip-grant-tables --log-warnings=0 >boot 2>&1 || tail -3 boot; mariadbd $O --skip-grant-tables >log 2>&1 & M="mariadb --no-defaults -S /tmp/my.sock -N"; until $M -e 'select 1' >/dev/null 2>&1; do sleep 0.3; done; $M -e "create database d; use d; create table t (i int primary key auto_increment, s varchar(40), key (s)) engine=innodb; insert into t (s) select md5(seq) from seq_1_to_20000; select count(*), min(s), max(s) from t; select i from t order by s limit 3; start transaction; delete from t where i < 19000; rollback; select count(*) from t; select json_extract('{\\"a\\": [1, 2]}', '$.a[1]'), version()"; $M -e shutdown; wait; grep -c 'Shutdown complete' log`,
    limit: 400,
    qemu: false,
  },
  {
    id: "memcached",
    group: "servers",
    what: "memcached, over its text protocol",
    script: `memcached -u nobody -p 11299 -l 127.0.0.1 -d -P /tmp/mc.pid; until (exec 3<>/dev/tcp/127.0.0.1/11299) 2>/dev/null; do sleep 0.2; done; exec 3<>/dev/tcp/127.0.0.1/11299; printf 'set a 0 0 5\\r\\nhello\\r\\nget a\\r\\nincr n 1\\r\\nset n 0 0 1\\r\\n7\\r\\nincr n 5\\r\\nquit\\r\\n' >&3; cat <&3; kill $(cat /tmp/mc.pid)`,
    limit: 60,
    qemu: false,
  },
  {
    id: "web-servers",
    group: "servers",
    what: "haproxy before lighttpd (with CGI) and Apache (event MPM)",
    script: `mkdir -p d /run/haproxy; echo page >d/index.html; chmod 755 /work d; printf '#!/bin/sh\\nprintf "Content-Type: text/plain\\\\n\\\\ncgi $QUERY_STRING\\\\n"\\n' >d/c.cgi; chmod 755 d/c.cgi
 printf 'server.document-root = "/work/d"\\nserver.port = 8091\\nserver.bind = "127.0.0.1"\\nserver.modules = ("mod_cgi")\\nindex-file.names = ("index.html")\\ncgi.assign = (".cgi" => "/bin/sh")\\n' >l.conf; lighttpd -f l.conf; M=/usr/lib/apache2/modules; printf "ServerRoot /tmp\\nServerName x\\nPidFile /tmp/ap.pid\\nListen 127.0.0.1:8092\\nErrorLog /tmp/ap.log\\nLoadModule mpm_event_module $M/mod_mpm_event.so\\nLoadModule authz_core_module $M/mod_authz_core.so\\nLoadModule dir_module $M/mod_dir.so\\nDocumentRoot /work/d\\nDirectoryIndex index.html\\n<Directory /work/d>\\nRequire all granted\\n</Directory>\\n" >a.conf; apache2 -f /work/a.conf 2>&1
 printf 'global\\n daemon\\n pidfile /tmp/ha.pid\\ndefaults\\n mode http\\n timeout connect 5s\\n timeout client 20s\\n timeout server 20s\\nfrontend f\\n bind 127.0.0.1:8093\\n default_backend b\\nbackend b\\n balance roundrobin\\n server l 127.0.0.1:8091\\n server a 127.0.0.1:8092\\n' >h.cfg; haproxy -f h.cfg 2>&1; for p in 8091 8092 8093; do until curl -sf -o /dev/null http://127.0.0.1:$p/; do sleep 0.2; done; done; curl -s http://127.0.0.1:8091/c.cgi?x=7; curl -sI http://127.0.0.1:8091/ | grep -i ^server; curl -sI http://127.0.0.1:8092/ | grep -i ^server; for i in 1 2 3 4; do curl -sI http://127.0.0.1:8093/ | grep -i ^server; done | sort | uniq -c; seq 40 | xargs -P8 -I{} curl -s http://127.0.0.1:8093/?{} | sort | uniq -c; kill $(cat /tmp/ha.pid /tmp/ap.pid); pkill lighttpd; sleep 1; tail -2 /tmp/ap.log | sed 's/\\[.*\\] //'`,
    limit: 200,
    qemu: false,
  },
  {
    id: "named",
    group: "servers",
    what: "BIND: a zone, dig over UDP and TCP, a zone transfer",
    script: `mkdir -p /run/named /var/cache/bind; printf 'options { directory "/work"; listen-on port 5300 { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; pid-file "/work/pid"; session-keyfile "/work/key"; };\\ncontrols { };\\nzone "example.test" { type primary; file "/work/zone"; };\\n' >conf; printf '$TTL 60\\n@ IN SOA ns a (1 2 3 4 5)\\n@ IN NS ns\\nns IN A 127.0.0.1\\nwww IN A 10.1.2.3\\nwww IN AAAA fd00::1\\n* IN TXT "any"\\n' >zone; named-checkzone example.test zone; named -c conf -g >log 2>&1 & until dig +short -p 5300 @127.0.0.1 ns.example.test 2>/dev/null | grep -q 127; do sleep 0.3; done; for q in 'www A' 'www AAAA' 'x TXT' 'ns +tcp' ; do set -- $q; dig +short -p 5300 @127.0.0.1 $1.example.test $2; done; dig -p 5300 @127.0.0.1 axfr example.test | grep -c IN; dig -p 5300 @127.0.0.1 none.example | grep status | sed 's/,.*,.*//'; kill $(cat pid); wait; tail -1 log | sed 's/^[^ ]* [^ ]* //'`,
    limit: 120,
    qemu: false,
  },
];
