"""A TLS server and client over loopback, with a certificate made by openssl."""
import http.server
import ssl
import subprocess
import threading
import urllib.request

subprocess.run(
    "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost "
    "-addext subjectAltName=DNS:localhost,IP:127.0.0.1",
    shell=True, check=True, stderr=subprocess.DEVNULL)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"over TLS: " + self.path.encode())

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 4433), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("cert.pem", "key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
trusted = ssl.create_default_context(cafile="cert.pem")
with urllib.request.urlopen("https://127.0.0.1:4433/page", context=trusted) as answer:
    print(answer.status, answer.read())
for command in ("curl -sS --cacert cert.pem https://127.0.0.1:4433/curl", "wget -q -O - --ca-certificate cert.pem https://127.0.0.1:4433/wget"):
    print(subprocess.run(command, shell=True, capture_output=True, text=True).stdout)
try:
    urllib.request.urlopen("https://127.0.0.1:4433/")
except urllib.error.URLError as e:
    print(type(e.reason).__name__)
server.shutdown()
