"""An HTTPS receiver for hook.example, with a certificate of an authority made up on the spot.

Writes the authority's certificate to the file that is named, prints the port, answers every POST
with 200, and ends when its standard input does.
"""
import http.server
import ssl
import sys
import threading

import trustme


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"safely heard")

    def log_message(self, *_):
        pass


authority = trustme.CA()
authority.cert_pem.write_to_path(sys.argv[1])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
authority.issue_cert("hook.example").configure_cert(context)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
# A handshake that fails is one connection's own.
server.handle_error = lambda *_: None
server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
