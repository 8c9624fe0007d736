#!/usr/bin/env python3
"""Checks one city's exported ledger, as docs/ledger.md tells: check_chain.py FILE (- is stdin)."""
import hashlib, json, sys

def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

def sha(data):
    return hashlib.sha256(data).hexdigest()

seq, head, city, erased = 0, "0" * 64, None, 0
for entry in map(json.loads, open(0 if sys.argv[1] == "-" else sys.argv[1], encoding="utf-8")):
    body, personal, salt = entry["body"], entry["personal"], entry["salt"]
    city = city or body["municipality"]
    erased += personal is None
    for holds, what in [
        (body["v"] == 1, "its encoding is unknown here"),
        (body["municipality"] == city, "it belongs to another city"),
        (body["seq"] == seq + 1, "its number is not the next one"),
        (body["prev"] == head, "it does not name the hash before it"),
        (sha(canonical(body)) == entry["hash"], "its body was changed"),
        (personal is None or sha(bytes.fromhex(salt or "") + canonical(personal))
         == body["commitment"], "its personal part was changed"),
    ]:
        if not holds:
            sys.exit(f"after {seq} good entries, an entry breaks the chain: {what}")
    seq, head = body["seq"], entry["hash"]
print(f"{city}: {seq} entries hold, {erased} of them erased; the head is {head}")
