# upstream.py: a web server to be put behind a proxy. Says "at PORT". It is asked for
#   /fields        what it was asked, as JSON
#   /echo          the body of the request
#   /hops          an answer whose fields are not all for those beyond the next hop
#   /zipped        "zipped", compressed
#   /half          half an answer
#   /silence       none
#   /pieces        two pieces: the second when /more has been asked for
#   /refuse        413, at once: the body stays where it is
#   anything else  404
import gzip
import http.server
import json
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    more = threading.Event()

    def log_message(self, *_):
        pass

    def answer(self, body=b"", status=200, **fields):
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def do_GET(self):
        if self.path.startswith("/fields"):
            body = self.body()
            told = {"method": self.command, "path": self.path, "length": len(body)}
            fields = [[name.lower(), value] for name, value in self.headers.items()]
            self.answer(json.dumps({**told, "fields": fields}).encode())
        elif self.path == "/hops":
            self.send_response(200)
            for name, value in (("Connection", "X-Secret, close"), ("X-Secret", "1"),
                                ("Keep-Alive", "timeout=5"), ("Proxy-Authenticate", "Basic"),
                                ("Upgrade", "h2c"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"to the end")
            self.close_connection = True
        elif self.path == "/zipped":
            self.answer(gzip.compress(b"zipped"), Content_Encoding="gzip")
        elif self.path == "/half":
            self.send_response(200)
            self.send_header("Content-Length", "10")
            self.end_headers()
            self.wfile.write(b"half")
            self.close_connection = True
        elif self.path == "/silence":
            self.more.wait(60)
        elif self.path == "/pieces":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"6\r\nfirst\n\r\n")
            self.more.wait(60)
            self.wfile.write(b"7\r\nsecond\n\r\n0\r\n\r\n")
        elif self.path == "/more":
            self.more.set()
            self.answer(status=204)
        elif self.path == "/refuse":
            self.answer(b"too large for us", 413, Connection="close")
            self.close_connection = True
        else:
            self.answer(b"no such thing", 404)

    do_HEAD = do_DELETE = do_GET

    def do_POST(self):
        if self.path == "/echo":
            self.answer(self.body(), Content_Type=self.headers.get("Content-Type", "text/plain"))
        else:
            self.do_GET()

    do_PUT = do_POST


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print("at", server.server_address[1], flush=True)
server.serve_forever()
