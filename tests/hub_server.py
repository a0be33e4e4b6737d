"""A stand-in for the Hugging Face Hub: what huggingface_hub asks in order to write and read a repository of models."""

import base64
import hashlib
import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "hf_right"


class Hub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path, repos = self.path.partition("?")[0], self.server.repos
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(?:revision|tree)/([^/]+))?", path):
            name, revision = found[1], found[2] or "main"
            if (branch := self.branch(name, revision)) is None:
                return
            if "/tree/" in path:
                files = [
                    {"type": "file", "path": each, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                    for each, data in branch.items()
                ]
                self.answer(200, files)
                return
            siblings = [{"rfilename": each} for each in branch]
            self.answer(200, {"id": name, "modelId": name, "sha": sha(branch), "siblings": siblings, "tags": []})
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            branches = repos.get(found[1], {})
            branch = next((each for each in branches.values() if sha(each) == found[2]), branches.get(found[2]))
            if branch is None or found[3] not in branch:
                self.answer(404, {"error": "Entry not found"}, {"X-Error-Code": "EntryNotFound"})
                return
            data = branch[found[3]]
            etag = hashlib.sha1(data).hexdigest()
            self.answer(200, data, {"ETag": f'"{etag}"', "X-Repo-Commit": sha(branch), "Accept-Ranges": "bytes"})
        else:
            self.answer(404, {"error": f"no {path}"})

    do_HEAD = do_GET

    def do_POST(self):
        body, repos = self.rfile.read(int(self.headers.get("Content-Length", 0))), self.server.repos
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.answer(401, {"error": "Invalid credentials"})
            return
        if self.path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked.get('organization') or 'me'}/{asked['name']}"
            status = 409 if name in repos else 200
            repos.setdefault(name, {"main": {}})
            self.answer(status, {"url": f"https://huggingface.co/{name}", "name": name})
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/branch/([^/]+)", self.path):
            repos[found[1]].setdefault(found[2], {})
            self.answer(200, {})
        elif self.path == "/api/validate-yaml":
            self.server.cards.append(json.loads(body)["content"])
            self.answer(200, {"errors": [], "warnings": []})
        elif "/preupload/" in self.path:
            asked = json.loads(body)["files"]
            files = [{"path": each["path"], "uploadMode": "regular", "shouldIgnore": False} for each in asked]
            self.answer(200, {"files": files})
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/([^/]+)", self.path):
            branch = repos[found[1]][found[2]]
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    branch[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            self.answer(
                200, {"commitUrl": f"https://huggingface.co/{found[1]}/commit/{sha(branch)}", "commitOid": sha(branch)}
            )
        else:
            self.answer(404, {"error": f"no {self.path}"})

    def branch(self, name, revision):
        branches = self.server.repos.get(name)
        if branches is None:
            self.answer(401, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
            return None
        found = next((each for each in branches.values() if sha(each) == revision), branches.get(revision))
        if found is None:
            self.answer(404, {"error": "Invalid rev"}, {"X-Error-Code": "RevisionNotFound"})
        return found

    def answer(self, status, content, headers=None):
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *args):
        self.server.requests.append(f"{self.command} {self.path}")


def sha(branch):
    return hashlib.sha1(repr(sorted(branch.items())).encode()).hexdigest()


@contextmanager
def hub():
    """Yield a running server: `repos` by name and branch, `requests`, and its address `url`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.repos, server.requests, server.cards = {}, [], []
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
