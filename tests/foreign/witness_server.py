"""witness-log's witness over HTTP, in its own environment:  witness_server.py STATE ORIGIN VKEY

Prints its port and its verifier key. It does what its library answers, and nothing of its own.
"""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from witness_log import WitnessService


def main(state: str, origin: str, vkey: str) -> None:
    WitnessService.create_state(state)
    service = WitnessService.new("witness-log.example", b"\x2a" * 32, state)
    service.add_log(origin, vkey)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            status, kind, said = service.handle_add_checkpoint_http(body)
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(said.encode())))
            self.end_headers()
            self.wfile.write(said.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, service.vkey(), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
