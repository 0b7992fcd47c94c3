"""python_elastic.py URL TOKEN EVENTS SECONDS: the bulk helper of python3-elasticsearch, each event
with an _id. What is not acknowledged is sent again; prints what the answers said."""
import sys
import time

import elasticsearch
from elasticsearch import helpers

url, token, events, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
client = elasticsearch.Elasticsearch(
    [url], http_auth=("canh", token), http_compress=True, timeout=30,
    max_retries=200, retry_on_timeout=True, retry_on_status=(429, 502, 503, 504))


def documents(numbers):
    for n in numbers:
        yield {"_op_type": "create" if n % 2 else "index", "_index": "python", "_id": f"py-{n}",
               "@timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
               "hostname": "office", "message": f"delivery number-{n:06d} of a sender"}


deadline = time.monotonic() + 100
counts = {}
waiting = list(range(1, events + 1))
PART = 200
while waiting and time.monotonic() < deadline:
    part, waiting = waiting[:PART], waiting[PART:]
    again = []
    try:
        numbers = iter(part)
        for good, item in helpers.streaming_bulk(client, documents(part), chunk_size=PART,
                                                 raise_on_error=False, max_retries=5,
                                                 initial_backoff=0.2):
            n = next(numbers)
            status = next(iter(item.values()))["status"]
            counts[status] = counts.get(status, 0) + 1
            if not good and status != 409:  # 409: it is stored already
                again.append(n)
    except elasticsearch.exceptions.TransportError:
        again = part
        time.sleep(0.1)
    waiting = again + waiting
    time.sleep(seconds * PART / events)
print("elasticsearch-py", ".".join(map(str, elasticsearch.__version__)), counts)
sys.exit(1 if waiting else 0)
