"""How long the server takes to answer, seen by a client on the same machine."""
import http.client
import json
import re
import signal
import subprocess
import time

import measure

START_SECS = 120
STOP_SECS = 30


def percentile(sorted_values, share):
    """The smallest value that at least this share of the values do not exceed."""
    index = max(0, -(-len(sorted_values) * share // 100) - 1)
    return sorted_values[int(index)]


class Server:
    """The server under test, from its start to its end."""

    def __init__(self, argv):
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        self.port = None

    def __enter__(self):
        for line in self.process.stdout:
            found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
            if found:
                self.port = int(found.group(1))
                return self
        raise measure.Failed("the server ended before it gave its address")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def ask(connection, path):
    """One GET on an open connection: the milliseconds until the last byte, and the body."""
    started = time.perf_counter()
    connection.request("GET", path, headers={"Accept": "application/json"})
    response = connection.getresponse()
    body = response.read()
    took_ms = (time.perf_counter() - started) * 1000
    if response.status != 200:
        raise measure.Failed(f"{path} answered {response.status}: {body[:200]!r}")
    return took_ms, body


def follow(connection, title, template, requests, words, cursor_path):
    """Many requests of one sort, one after the other; milliseconds each, shortest first."""
    times, cursor = [], None
    for index in range(requests + 5):
        path = template.replace("{word}", words[index % len(words)])
        if "{cursor}" in path:
            path = path.replace("{cursor}", cursor) if cursor else re.sub(r"[?&]cursor=\{cursor\}", "", path)
        took_ms, body = ask(connection, path)
        if "{cursor}" in template:
            document = json.loads(body)
            cursor = document.get(cursor_path)
        if index >= 5:  # the first few fill the caches
            times.append(took_ms)
    times.sort()
    return {"name": title, "requests": len(times), "p50_ms": percentile(times, 50),
            "p99_ms": percentile(times, 99), "worst_ms": times[-1]}


def measure_requests(argv, wanted, requests, words, cursor_path):
    """One row for each sort of request, against a server of its own."""
    rows = []
    with Server(argv) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        for title, template in wanted:
            try:
                row = follow(connection, title, template, requests, words, cursor_path)
            except (measure.Failed, OSError, ValueError, http.client.HTTPException) as error:
                row = {"name": title, "failure": str(error)}
                connection.close()
            rows.append(row)
        connection.close()
    return rows
