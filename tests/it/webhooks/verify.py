"""Verifies a delivery with the reference libraries of Standard Webhooks and Svix.

Reads {"secret", "headers", "body"} from standard input and prints the type of the message.
"""
import json
import sys

import standardwebhooks
import svix.webhooks

given = json.load(sys.stdin)
types = set()
for library in (standardwebhooks, svix.webhooks):
    message = library.Webhook(given["secret"]).verify(given["body"], given["headers"])
    # One of them parses, another leaves that to the caller.
    message = message if isinstance(message, dict) else json.loads(given["body"])
    types.add(message["type"])
print(*types)
